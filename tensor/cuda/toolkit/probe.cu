#include "tensor/cuda/toolkit/probe.h"

#include <cuda_runtime.h>

namespace lrurec::cuda {
namespace {
__global__ void nothing() {}
}  // namespace

bool kernels_fit_device() {
  cudaFuncAttributes attributes;
  const bool fits = cudaFuncGetAttributes(&attributes, nothing) == cudaSuccess;
  cudaGetLastError();  // a refusal is an answer, not an error to find later
  return fits;
}

}  // namespace lrurec::cuda
