#pragma once
// cuBLAS, loaded when the first GPU is opened. Linked at start, it would cost every command 0.15 s, and a
// machine without the CUDA Toolkit could not run this build at all.

#include <cublas_v2.h>

namespace lrurec::cuda {

/// The functions we use, by the names and types of cublas_v2.h.
struct CublasLibrary {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasSetMathMode) set_math_mode;
  decltype(&cublasGemmEx_64) gemm;
  decltype(&cublasGetVersion_v2) version;
  decltype(&cublasGetStatusString) status_string;
};

/// Throws ErrorKind::usage where it is not found, saying where it was looked for.
const CublasLibrary& cublas_library();

}  // namespace lrurec::cuda
