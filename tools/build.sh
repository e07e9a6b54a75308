#!/usr/bin/env bash
# Configures and builds a target into build/: tools/build.sh [target]. The command is then build/bin/lrurec.
#   LRUREC_WERROR=ON  treats warnings as errors
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

options=(-DCMAKE_BUILD_TYPE=Release "-DLRUREC_WERROR=${LRUREC_WERROR:-OFF}")
command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
mkdir -p build
if ! cmake -S . -B build -G Ninja "${options[@]}" >build/configure.log 2>&1; then
  cat build/configure.log >&2
  exit 1
fi
cmake --build build --parallel "$(nproc)" --target "${1:-all}" >&2
