// Products by cuBLAS.

#include "tensor/cuda/gemm.h"

#include <algorithm>
#include <complex>
#include <type_traits>

#include "tensor/cuda/runtime.h"
#include "tensor/cuda/toolkit/check.h"
#include "tensor/dtype.h"

namespace lrurec::cuda {
namespace {

// cuBLAS is column-major and sees the transpose of a row-major matrix. So it is asked for C^T = B^T A^T,
// where `plain` stays plain. It cannot read conj(A) without transposing.
cublasOperation_t operation(Read read) {
  switch (read) {
    case Read::plain:
      return CUBLAS_OP_N;
    case Read::transpose:
      return CUBLAS_OP_T;
    case Read::conj_transpose:
      return CUBLAS_OP_C;
    case Read::conj:
      break;
  }
  fail_op("gemm", "cuBLAS cannot read the conjugate of a matrix; conjugate it first");
}

template <class T>
cudaDataType_t data_type() {
  if constexpr (std::is_same_v<T, float>) return CUDA_R_32F;
  if constexpr (std::is_same_v<T, double>) return CUDA_R_64F;
  if constexpr (std::is_same_v<T, c64>) return CUDA_C_32F;
  if constexpr (std::is_same_v<T, c128>) return CUDA_C_64F;
}

template <class T>
cublasComputeType_t compute_type() {
  if constexpr (std::is_same_v<real_type<T>, double>) return CUBLAS_COMPUTE_64F;
  return tf32() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

}  // namespace

template <class T>
void gemm(Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  if constexpr (!is_complex_type<T>) {
    if (read_a == Read::conj) read_a = Read::plain;
    if (read_b == Read::conj) read_b = Read::plain;
    if (read_a == Read::conj_transpose) read_a = Read::transpose;
    if (read_b == Read::conj_transpose) read_b = Read::transpose;
  }
  // cuBLAS refuses a row distance of 0, even where there is nothing to read.
  lda = std::max<std::int64_t>(lda, 1), ldb = std::max<std::int64_t>(ldb, 1);
  const T alpha = k == 0 ? T(0) : T(1);
  check("matrix product",
        cublas_library().gemm(cublas(), operation(read_b), operation(read_a), n, m, k, &alpha, b,
                              data_type<T>(), ldb, a, data_type<T>(), lda, &beta, c, data_type<T>(), ldc,
                              compute_type<T>(), CUBLAS_GEMM_DEFAULT));
}

#define INSTANTIATE(T)                                                                                       \
  template void gemm(Read, Read, std::int64_t, std::int64_t, std::int64_t, const T*, std::int64_t, const T*, \
                     std::int64_t, T, T*, std::int64_t);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(c64)
INSTANTIATE(c128)
#undef INSTANTIATE

}  // namespace lrurec::cuda
