// A program that was built for a newer processor ends with a sentence instead of "Illegal instruction".

#if defined(__x86_64__)

#include <unistd.h>

#include <string_view>

namespace {

/// Runs before every other constructor, which may use those instructions already; itself it uses none.
[[gnu::constructor(101), gnu::target("arch=x86-64")]] void check_processor() {
  __builtin_cpu_init();
  bool fits = true;
#ifdef __AVX2__
  fits = fits && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;
#endif
#ifdef __FMA__
  fits = fits && __builtin_cpu_supports("fma") != 0;
#endif
#ifdef __AVX512F__
  fits = fits && __builtin_cpu_supports("avx512f") != 0;
#endif
#ifdef __AVX512VL__
  fits = fits && __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512cd") != 0;
#endif
#ifdef __AVX512VNNI__
  fits = fits && __builtin_cpu_supports("avx512vnni") != 0;
#endif
// What -march=native of an Intel processor since 2019 brings along; others with AVX-512 lack it.
#ifdef __AVX512VBMI__
  fits = fits && __builtin_cpu_supports("avx512vbmi") != 0;
#endif
#ifdef __AVX512VBMI2__
  fits = fits && __builtin_cpu_supports("avx512vbmi2") != 0;
#endif
#ifdef __AVX512IFMA__
  fits = fits && __builtin_cpu_supports("avx512ifma") != 0;
#endif
#ifdef __AVX512BITALG__
  fits = fits && __builtin_cpu_supports("avx512bitalg") != 0;
#endif
#ifdef __AVX512VPOPCNTDQ__
  fits = fits && __builtin_cpu_supports("avx512vpopcntdq") != 0;
#endif
#ifdef __AVX512BF16__
  fits = fits && __builtin_cpu_supports("avx512bf16") != 0;
#endif
  if (fits) return;
  constexpr std::string_view message =
      "lrurec: error: this build is for a newer processor than this one; build it here from source\n";
  const auto ignored = ::write(STDERR_FILENO, message.data(), message.size());
  static_cast<void>(ignored);
  ::_exit(1);
}

}  // namespace

#endif
