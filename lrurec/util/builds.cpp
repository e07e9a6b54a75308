#include "lrurec/util/builds.h"

#include <system_error>

namespace lrurec::util {

std::string_view name_of(Vectors vectors) {
  switch (vectors) {
    case Vectors::avx512_bf16:
      return "avx512-bf16";
    case Vectors::avx512:
      return "avx512";
    case Vectors::below_avx512:
      break;
  }
  return "below avx512";
}

Vectors compiled_for() {
#if defined(__AVX512BF16__)
  return Vectors::avx512_bf16;
#elif defined(__AVX512F__)
  return Vectors::avx512;
#else
  return Vectors::below_avx512;
#endif
}

Vectors processor_vectors() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (!avx512) return Vectors::below_avx512;
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16") ? Vectors::avx512_bf16
                                                                                      : Vectors::avx512;
#else
  return Vectors::below_avx512;
#endif
}

std::filesystem::path better_build(const std::filesystem::path& program, Vectors ours, Vectors can) {
  const auto builds = program.parent_path().parent_path() / "libexec" / "lrurec";
  for (const Vectors vectors : {Vectors::avx512_bf16, Vectors::avx512}) {
    if (vectors <= ours || vectors > can) continue;
    std::error_code none;
    auto better = builds / name_of(vectors) / "lrurec";
    // A link to the program itself would start itself for ever.
    if (std::filesystem::is_regular_file(better, none) && !std::filesystem::equivalent(better, program, none))
      return better;
  }
  return {};
}

}  // namespace lrurec::util
