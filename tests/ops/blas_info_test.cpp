// Which kernels of OpenBLAS fit a processor.

#include "ops/matmul/blas_info.h"

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec::ops {
namespace {

TEST(BlasInfo, ACoreIsNamedOnlyWhereOpenBlasChoseASlowerOne) {
  const VectorUnits old{}, avx2{.avx2 = true}, avx512{.avx512 = true, .avx2 = true};
  EXPECT_EQ(better_blas_core(avx512, "Prescott"), "SkylakeX");
  EXPECT_EQ(better_blas_core(avx512, "Haswell"), "SkylakeX");
  EXPECT_EQ(better_blas_core(avx512, "Cooperlake"), "");
  EXPECT_EQ(better_blas_core(avx512, "skylakex"), "") << "as OPENBLAS_CORETYPE may be written";
  EXPECT_EQ(better_blas_core(avx2, "Prescott"), "Haswell");
  EXPECT_EQ(better_blas_core(avx2, "Zen"), "");
  EXPECT_EQ(better_blas_core(avx2, "SkylakeX"), "") << "it runs, so it can";
  EXPECT_EQ(better_blas_core(old, "Prescott"), "");
}

// What the user has set stays, and check device says where that is slow.
TEST(DeviceCommand, TakesTheKernelsThatFitUnlessToldOtherwise) {
  const test::TemporaryFolder folder;
  const auto cpu = [&](const std::string& environment) {
    const auto checked =
        test::run_shell(folder, environment + " " + test::command_path() + " check device --json");
    EXPECT_EQ(checked.code, 0) << checked.err;
    return nlohmann::json::parse(checked.out)["cpu"];
  };
  EXPECT_FALSE(cpu("env -u OPENBLAS_CORETYPE").contains("better_blas_core"));
  const auto slow = cpu("OPENBLAS_CORETYPE=Prescott");
  EXPECT_NE(slow["blas"].get<std::string>().find("Prescott kernels"), std::string::npos) << slow;
#if defined(__AVX2__)
  EXPECT_TRUE(slow.contains("better_blas_core")) << slow;
#endif
}

}  // namespace
}  // namespace lrurec::ops
