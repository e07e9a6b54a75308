#include "lrurec/util/builds.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec::util {
namespace {

TEST(Builds, TheBestThatIsThereAndThatTheProcessorCanRun) {
  const test::TemporaryFolder folder;
  const auto program = folder / "bin" / "lrurec";
  const auto put = [&](Vectors vectors) {
    const auto build = folder / "libexec" / "lrurec" / name_of(vectors);
    std::filesystem::create_directories(build);
    std::ofstream(build / "lrurec") << "a program";
    return build / "lrurec";
  };
  EXPECT_EQ(better_build(program, Vectors::below_avx512, Vectors::avx512_bf16), "") << "nothing is there";
  const auto avx512 = put(Vectors::avx512);
  EXPECT_EQ(better_build(program, Vectors::below_avx512, Vectors::avx512_bf16), avx512)
      << "the best that is there";
  const auto bf16 = put(Vectors::avx512_bf16);
  EXPECT_EQ(better_build(program, Vectors::below_avx512, Vectors::avx512_bf16), bf16);
  EXPECT_EQ(better_build(program, Vectors::below_avx512, Vectors::avx512), avx512)
      << "the processor has no bf16";
  EXPECT_EQ(better_build(program, Vectors::below_avx512, Vectors::below_avx512), "");
  EXPECT_EQ(better_build(program, Vectors::avx512, Vectors::avx512_bf16), bf16);
  EXPECT_EQ(better_build(program, Vectors::avx512_bf16, Vectors::avx512_bf16), "") << "itself";
  EXPECT_EQ(better_build(bf16, Vectors::avx512_bf16, Vectors::avx512_bf16), "") << "no loop";
}

// A build of this machine is for its processor, or for less.
TEST(Builds, ThisOneAsksForNothingThatItsProcessorLacks) { EXPECT_LE(compiled_for(), processor_vectors()); }

TEST(DeviceCommand, SaysWhatItIsCompiledFor) {
  const test::TemporaryFolder folder;
  const auto checked = test::run_lrurec(folder, "check device --json");
  ASSERT_EQ(checked.code, 0) << checked.err;
  const auto cpu = nlohmann::json::parse(checked.out)["cpu"];
  EXPECT_EQ(cpu["compiled_for"], std::string(name_of(compiled_for())));
  EXPECT_EQ(cpu["can"], std::string(name_of(processor_vectors())));
}

}  // namespace
}  // namespace lrurec::util
