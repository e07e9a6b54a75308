#pragma once

#include <cstdint>

#include "tensor/device.h"
#include "tensor/gemm_read.h"

namespace lrurec::ops::kernels {

/// C = A B + beta C for row-major C: [m, n]; A: [m, k] and B: [k, n] after `read`; ld*: elements between
/// rows. OpenBLAS; T is float, double, c64 or c128.
template <class T>
void gemm(Cpu, Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);
/// cuBLAS, which cannot read `conj` of a complex matrix.
template <class T>
void gemm(Cuda, Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

}  // namespace lrurec::ops::kernels
