#!/usr/bin/env bash
# Compiles all CUDA code with nvcc, warnings as errors. Needs no GPU; nothing to do without nvcc. For sm_75, the oldest that
# the toolkit knows: what passes there passes for later ones, but for what asks which processor it is compiled for, the
# tensor cores' products, which are compiled for sm_80 as well. Nothing of it is run, so it is not optimised either, which
# takes a third of the time off; only the elementwise formulas run, on the host. (tools/bench/cuda_resources.sh looks for
# registers that spill, with everything optimised.)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v nvcc >/dev/null; then
  echo "check_cuda: no nvcc here, nothing was compiled" >&2
  exit 0
fi
fast=(-Xcicc -O1 -Xptxas -O0)
CUDAARCHS=75-real CUDAFLAGS="${fast[*]}" LRUREC_CUDA=ON LRUREC_RUN_ONCE=ON LRUREC_WERROR=ON LRUREC_BUILD=build/cuda-check tools/build.sh \
  tensor_cuda ops_cuda nn_cuda lrurec_cuda cuda_formulas
build/cuda-check/bin/cuda_formulas
nvcc -std=c++20 --expt-relaxed-constexpr -I. -DFMT_SHARED -DFMT_USE_CONSTEXPR=1 -DLRUREC_CUDA_ENABLED "${fast[@]}" \
  -Werror all-warnings -arch=sm_80 -c ops/linear_cross_entropy/two_pass_cuda.cu -o build/cuda-check/two_pass_80.o
echo "cuda: ok"
