#include "ops/matmul/blas_info.h"

#include <cblas.h>

namespace lrurec::ops {

std::string blas_description() {
  return std::string(openblas_get_config()) + ", " + openblas_get_corename() + " kernels";
}

std::string better_blas_core() {
#if defined(__x86_64__)
  const std::string core = openblas_get_corename();
  const bool older = core == "Haswell" || core == "Zen" || core == "Sandybridge" || core == "Prescott";
  if (older && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return "SkylakeX";
  }
#endif
  return "";
}

}  // namespace lrurec::ops
