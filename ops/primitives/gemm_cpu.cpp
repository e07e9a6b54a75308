#include <cblas.h>

#include <algorithm>
#include <limits>

#include "ops/primitives/gemm.h"
#include "tensor/dtype.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels {
namespace {

CBLAS_TRANSPOSE cblas(Read read, bool is_complex) {
  switch (read) {
    case Read::plain:
      return CblasNoTrans;
    case Read::transpose:
      return CblasTrans;
    case Read::conj:
      return is_complex ? CblasConjNoTrans : CblasNoTrans;
    case Read::conj_transpose:
      return is_complex ? CblasConjTrans : CblasTrans;
  }
  return CblasNoTrans;
}

blasint blas_int(std::int64_t x) {
  if (x > std::numeric_limits<blasint>::max()) fail_op("gemm", "size {} exceeds what this BLAS can index", x);
  return static_cast<blasint>(x);
}

}  // namespace

template <class T>
void gemm(Cpu, Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) {  // an empty sum; BLAS implementations disagree on whether C is then written
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
    }
    return;
  }
  const auto ta = cblas(read_a, is_complex_type<T>);
  const auto tb = cblas(read_b, is_complex_type<T>);
  const blasint M = blas_int(m), N = blas_int(n), K = blas_int(k);
  const blasint LA = blas_int(std::max<std::int64_t>(lda, 1)), LB = blas_int(std::max<std::int64_t>(ldb, 1)),
                LC = blas_int(ldc);
  const T one(1);
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemm(CblasRowMajor, ta, tb, M, N, K, one, a, LA, b, LB, beta, c, LC);
  } else if constexpr (std::is_same_v<T, double>) {
    cblas_dgemm(CblasRowMajor, ta, tb, M, N, K, one, a, LA, b, LB, beta, c, LC);
  } else if constexpr (std::is_same_v<T, c64>) {
    cblas_cgemm(CblasRowMajor, ta, tb, M, N, K, &one, a, LA, b, LB, &beta, c, LC);
  } else {
    cblas_zgemm(CblasRowMajor, ta, tb, M, N, K, &one, a, LA, b, LB, &beta, c, LC);
  }
}

#define GEMM(T)                                                                                            \
  template void gemm<T>(Cpu, Read, Read, std::int64_t, std::int64_t, std::int64_t, const T*, std::int64_t, \
                        const T*, std::int64_t, T, T*, std::int64_t);
GEMM(float)
GEMM(double)
GEMM(c64)
GEMM(c128)

}  // namespace lrurec::ops::kernels
