#!/usr/bin/env bash
# Makes the reference of the library from the comments of its public headers, a page for each layer:
# build/reference/html/index.html. A comment that is wrong is an error. Needs Doxygen (tools/setup.sh --docs).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v doxygen >/dev/null; then
  echo "reference: doxygen is missing; tools/setup.sh --docs installs it" >&2
  exit 1
fi
# What earlier versions had must not stay.
rm -rf build/reference
mkdir -p build/reference
doxygen docs/Doxyfile
echo "reference: build/reference/html/index.html" >&2
