#pragma once

#include <cstdint>

#include "tensor/gemm_read.h"

namespace lrurec::cuda {

/// C = A B + beta C for row-major C: [m, n] in device memory; A: [m, k] and B: [k, n] after `read`; ld*:
/// elements from row to row, 0 for an A or B without elements. T is float, double, c64 or c128. By cuBLAS;
/// float products use TF32 where set_tf32 says so.
template <class T>
void gemm(Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

}  // namespace lrurec::cuda
