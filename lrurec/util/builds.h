#pragma once
// Packages hold the command more than once, compiled for several processors (tools/package.sh).

#include <filesystem>
#include <string_view>

namespace lrurec::util {

/// What vectors a program is compiled for, or a processor can do; a later one includes those before it.
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

/// The program beside `program` that is compiled for more than `ours`, as much of it as the processor `can`
/// do: from its folder, bin/, ../libexec/lrurec/avx512-bf16/lrurec or ../libexec/lrurec/avx512/lrurec. Empty
/// where there is none.
std::filesystem::path better_build(const std::filesystem::path& program, Vectors ours, Vectors can);

}  // namespace lrurec::util
