#include "ops/primitives/gemm.h"
#include "tensor/cuda/gemm.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {

template <class T>
void gemm(Cuda, Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  cuda::gemm(read_a, read_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

#define GEMM(T)                                                                                             \
  template void gemm<T>(Cuda, Read, Read, std::int64_t, std::int64_t, std::int64_t, const T*, std::int64_t, \
                        const T*, std::int64_t, T, T*, std::int64_t);
GEMM(float)
GEMM(double)
GEMM(c64)
GEMM(c128)

}  // namespace lrurec::ops::kernels
