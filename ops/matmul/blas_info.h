#pragma once
// Which BLAS this is, and which of its kernels run.

#include <string>

namespace lrurec::ops {

/// Such as "OpenBLAS 0.3.21 ... , SkylakeX kernels".
std::string blas_description();

/// A value for OPENBLAS_CORETYPE that suits this processor better than the kernels OpenBLAS chose, or "".
/// OpenBLAS picks by the processor's model number, and one it does not know yet gets older AVX2 kernels even
/// where AVX-512 is there (twice as slow on Zen 5). The variable is read before main(), so it needs a new
/// process.
std::string better_blas_core();

}  // namespace lrurec::ops
