#pragma once
// Which BLAS this is, which of its kernels run, and on how many threads.

#include <string>

namespace lrurec::ops {

/// Such as "OpenBLAS 0.3.21 ... , Cooperlake kernels". The kernels make a large difference: AVX2 ones
/// (Haswell, Zen) take about 1.3 times as long over a training step as AVX-512 ones. OPENBLAS_CORETYPE
/// chooses them.
std::string blas_description();

/// Products by BLAS run on so many threads from now on. On one thread their bits do not depend on how many
/// there are.
void set_blas_threads(int threads);

}  // namespace lrurec::ops
