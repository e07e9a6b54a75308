#include "ops/matmul/blas_info.h"

#include <cblas.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

namespace lrurec::ops {

std::string blas_description() {
  return std::string(openblas_get_config()) + ", " + openblas_get_corename() + " kernels";
}

std::string blas_core() { return openblas_get_corename(); }

std::string better_blas_core(VectorUnits units, const std::string& chosen) {
  const auto is_one_of = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const char* name) { return ::strcasecmp(name, chosen.c_str()) == 0; });
  };
  if (is_one_of({"SkylakeX", "Cooperlake", "SapphireRapids"})) return "";
  if (units.avx512) return "SkylakeX";
  return units.avx2 && !is_one_of({"Haswell", "Zen"}) ? "Haswell" : "";
}

std::string better_blas_core() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const VectorUnits units{.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"),
                          .avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")};
  return better_blas_core(units, blas_core());
#else
  return "";
#endif
}

void restart_tuned(char** argv, const std::string& program) {
  bool changed = false;
  const auto set = [&](const char* name, const std::string& value) {
    if (value.empty() || std::getenv(name) != nullptr) return;
    changed = ::setenv(name, value.c_str(), 1) == 0 || changed;
  };
  set("OMP_WAIT_POLICY", "passive");
  set("OPENBLAS_CORETYPE", better_blas_core());
  // execv returns only if it failed; then the program goes on as it is.
  if (!program.empty()) ::execv(program.c_str(), argv);
  if (changed) ::execv("/proc/self/exe", argv);
}

void set_blas_threads(int threads) { openblas_set_num_threads(threads); }

}  // namespace lrurec::ops
