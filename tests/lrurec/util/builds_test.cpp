#include "lrurec/util/builds.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ops/matmul/blas_info.h"
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
  std::filesystem::create_directories(folder / "bin");
  std::ofstream(program) << "a program";
  std::filesystem::remove(bf16);
  std::filesystem::create_symlink(program, bf16);
  EXPECT_EQ(better_build(program, Vectors::below_avx512, Vectors::avx512_bf16), avx512) << "a link to itself";
}

// The other program has the arguments, and the environment that is read before main.
TEST(BuildsDeathTest, ThatProgramIsStartedInThePlaceOfThisOne) {
  const test::TemporaryFolder folder;
  const auto program = (folder / "lrurec").string();
  test::write_text(program, "#!/bin/sh\necho \"$1, $2, $OMP_WAIT_POLICY\" >&2\nexit 7\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto start = [&] {
    std::string name = "lrurec", first = "train", second = "two words";
    char* argv[] = {name.data(), first.data(), second.data(), nullptr};
    ::unsetenv("OMP_WAIT_POLICY");
    ops::restart_tuned(argv, program);
  };
  EXPECT_EXIT(start(), testing::ExitedWithCode(7), "train, two words, passive");
}

TEST(DeviceCommand, SaysWhatItIsCompiledFor) {
  const test::TemporaryFolder folder;
  const auto checked = test::run_lrurec(folder, "check device --json");
  ASSERT_EQ(checked.code, 0) << checked.err;
  const auto cpu = nlohmann::json::parse(checked.out)["cpu"];
  EXPECT_EQ(cpu["compiled_for"], std::string(name_of(compiled_for())));
  EXPECT_EQ(cpu["can"], std::string(name_of(processor_vectors())));
  // A processor may have the instruction and be slow at it: what counts is what was measured. That is some
  // hundreds where a build for tests has slow vectors and the matrix unit beside them.
  const double speed = cpu["bf16_speed"];
  EXPECT_GT(speed, 0);
  EXPECT_EQ(cpu["fast_bf16"], speed > 1.25);
}

}  // namespace
}  // namespace lrurec::util
