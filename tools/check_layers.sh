#!/usr/bin/env bash
# The tests of the layers and of the documentation alone, from the last build; without one there is nothing to run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests=build/bin/lrurec_tests
[ -x "$tests" ] || { echo "check_layers: build the tests first (tools/build.sh)" >&2; exit 0; }
"$tests" --gtest_brief=1 --gtest_filter='Layering.*:Docs.*'
