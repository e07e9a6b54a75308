#!/usr/bin/env bash
# kill -9 at random moments of training, prepare, sweep and session, 500 times in all (or as many as given): each must end
# as without. The tests do ten of each.
#   tools/kill_test.sh [N]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset LRUREC_BUILD  # what is run below lies in build/
tools/build.sh lrurec lrurec_tests
LRUREC_KILLS=$(((${1:-500} + 3) / 4)) build/bin/lrurec_tests --gtest_brief=1 --gtest_filter='KillCommand.*'
