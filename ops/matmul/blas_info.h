#pragma once
// Which BLAS this is, and which of its kernels run.

#include <string>

namespace lrurec::ops {

/// Such as "OpenBLAS 0.3.21 ... , Cooperlake kernels". The kernels make a large difference: AVX2 ones
/// (Haswell, Zen) take about 1.3 times as long over a training step as AVX-512 ones. OPENBLAS_CORETYPE
/// chooses them.
std::string blas_description();

}  // namespace lrurec::ops
