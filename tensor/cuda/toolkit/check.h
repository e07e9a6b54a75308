#pragma once
// Errors of the CUDA runtime and of cuBLAS as ours.

#include <cuda_runtime.h>

#include <string_view>

#include "tensor/cuda/toolkit/cublas_library.h"
#include "tensor/error.h"

namespace lrurec::cuda {

/// Throws "[what] CUDA: ..." unless `code` is success: ErrorKind::usage without a driver, a GPU or kernels
/// for it, ErrorKind::out_of_memory where memory runs out, else ErrorKind::internal.
inline void check(std::string_view what, cudaError_t code) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // it is reported here; the next check must not see it again
  switch (code) {
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorStubLibrary:
    case cudaErrorNoKernelImageForDevice:
      fail(ErrorKind::usage, "no GPU can be used: {} ({}); use --device cpu", cudaGetErrorString(code),
           cudaGetErrorName(code));
    default:
      fail(code == cudaErrorMemoryAllocation ? ErrorKind::out_of_memory : ErrorKind::internal,
           "[{}] CUDA: {} ({})", what, cudaGetErrorString(code), cudaGetErrorName(code));
  }
}

inline void check(std::string_view what, cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const auto kind = status == CUBLAS_STATUS_ALLOC_FAILED ? ErrorKind::out_of_memory : ErrorKind::internal;
  fail(kind, "[{}] cuBLAS: {}", what, cublas_library().status_string(status));
}

/// The handle of the GPU in use, bound to its stream.
cublasHandle_t cublas();
cudaStream_t stream();

}  // namespace lrurec::cuda
