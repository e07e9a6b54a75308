#pragma once
// Packages hold the command more than once, compiled for several processors (tools/package.sh).

#include <filesystem>
#include <string_view>

namespace lrurec::util {

/// The vector instructions that a program is compiled for, or that a processor has. Each value includes those
/// before it.
enum class Vectors {
  below_avx512,  ///< AVX2, or what the compiler takes by default
  avx512,        ///< F, BW, CD, DQ and VL: x86-64-v4
  avx512_bf16    ///< and VNNI and BF16, which make products in bf16 fast
};

/// "avx512-bf16", as a folder of packages and `check device` name it.
std::string_view name_of(Vectors vectors);

/// Of this program.
Vectors compiled_for();

/// Of the processor that it runs on.
Vectors processor_vectors();

/// Of the builds that a package has beside `program`, the best one that is above `ours` and that the
/// processor `can` run: ../libexec/lrurec/avx512-bf16/lrurec or ../libexec/lrurec/avx512/lrurec, as seen from
/// the program's folder. Empty if there is none.
std::filesystem::path better_build(const std::filesystem::path& program, Vectors ours, Vectors can);

}  // namespace lrurec::util
