#!/usr/bin/env bash
# Configures and builds targets into build/: tools/build.sh [target...]. The command is then build/bin/lrurec.
#   LRUREC_WERROR=ON   treats warnings as errors
#   LRUREC_CUDA=...    AUTO (default: CUDA kernels where nvcc is), ON, OFF, or EMULATED (kernels run on the CPU)
#   LRUREC_BUILD=...   another folder than build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${LRUREC_BUILD:-build}
options=(-DCMAKE_BUILD_TYPE=Release "-DLRUREC_WERROR=${LRUREC_WERROR:-OFF}" "-DLRUREC_CUDA=${LRUREC_CUDA:-AUTO}")
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
fi
mkdir -p "$folder"
if ! cmake -S . -B "$folder" -G Ninja "${options[@]}" >"$folder/configure.log" 2>&1; then
  cat "$folder/configure.log" >&2
  exit 1
fi
cmake --build "$folder" --parallel "$(nproc)" --target "${@:-all}" >&2
