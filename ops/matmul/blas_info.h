#pragma once
// Which BLAS this is, which of its kernels run, and on how many threads.

#include <string>

namespace lrurec::ops {

/// Such as "OpenBLAS 0.3.21 ... , Cooperlake kernels". The kernels make a large difference: AVX2 ones
/// (Haswell, Zen) take about 1.3 times as long over a training step as AVX-512 ones. OPENBLAS_CORETYPE
/// chooses them.
std::string blas_description();

/// The kernels alone, such as "Cooperlake".
std::string blas_core();

/// The core of OpenBLAS whose kernels fit what a processor can do, where `chosen` is slower; empty where
/// `chosen` will do. For a processor that it does not know, OpenBLAS 0.3.21 takes SSE3 kernels (Prescott), at
/// a tenth of the speed.
struct VectorUnits {
  bool avx512 = false;  ///< F, BW, DQ and VL
  bool avx2 = false;    ///< and FMA
};
std::string better_blas_core(VectorUnits units, const std::string& chosen);
/// The same for this processor and the core that OpenBLAS took here.
std::string better_blas_core();

/// To be called first in main(). Starts the program again with environment variables that make it faster:
///
/// - OMP_WAIT_POLICY=passive, since threads that wait by spinning stop each other where two programs share
/// the
///   cores (6 to 15 times slower);
/// - OPENBLAS_CORETYPE, where OpenBLAS has chosen badly.
///
/// Both are read before main() begins, so they cannot be set later. What the user has set stays. Where
/// `program` is given, such as a build of this one for the processor at hand, it is started in any case.
/// Returns where nothing is to be changed, or nothing can be.
void restart_tuned(char** argv, const std::string& program = "");

/// Sets the number of threads for products by BLAS. With one, their bits do not depend on how many the
/// program has. An OpenBLAS that is built with OpenMP sets OpenMP's number with its own, and takes OpenMP's
/// at the next product, so the two cannot differ.
void set_blas_threads(int threads);

}  // namespace lrurec::ops
