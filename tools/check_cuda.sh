#!/usr/bin/env bash
# Compiles all CUDA code with nvcc, warnings as errors. Needs no GPU; nothing to do without nvcc. For sm_80 alone: no
# kernel asks which processor it is compiled for, so what passes there passes for later ones (tools/gpu_bundle.sh builds
# for both). Nothing of it is run, so it is not optimised either, which takes a third of the time off.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v nvcc >/dev/null; then
  echo "check_cuda: no nvcc here, nothing was compiled" >&2
  exit 0
fi
CUDAARCHS=80-real CUDAFLAGS="-Xcicc -O1 -Xptxas -O0" LRUREC_CUDA=ON LRUREC_RUN_ONCE=ON LRUREC_WERROR=ON LRUREC_BUILD=build/cuda-check tools/build.sh tensor_cuda ops_cuda nn_cuda lrurec_cuda
echo "cuda: ok"
