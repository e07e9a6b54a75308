#!/usr/bin/env bash
# Compiles all CUDA code with nvcc for sm_80 and sm_90, warnings as errors. Needs no GPU; nothing to do without nvcc.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v nvcc >/dev/null; then
  echo "check_cuda: no nvcc here, nothing was compiled" >&2
  exit 0
fi
LRUREC_CUDA=ON LRUREC_WERROR=ON LRUREC_BUILD=build/cuda tools/build.sh tensor_cuda ops_cuda nn_cuda lrurec_cuda
echo "cuda: ok"
