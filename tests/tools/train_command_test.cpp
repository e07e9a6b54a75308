// lrurec train --resume and --dry-run: what they refuse, say and keep.

#include <nlohmann/json.hpp>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::make_run;
using test::read_text;
using test::run_lrurec;
using test::TemporaryFolder;
using test::write_text;

void set_environment(const TemporaryFolder& folder, const std::string& run, const char* what) {
  const auto file = folder / (run + "/run.json");
  auto about = nlohmann::json::parse(read_text(file));
  about["environment"][what] = "another";
  write_text(file, about.dump());
}

// --resume was ignored.
TEST(TrainCommand, ADryRunResumesNothing) {
  const TemporaryFolder folder;
  const auto refused = run_lrurec(folder, "train d.lrd -o run --dry-run --resume");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("--resume excludes --dry-run"), std::string::npos) << refused.err;
}

// run.json named the old place, where "next: lrurec evaluate run" found nothing.
TEST(TrainCommand, AResumedRunFollowsItsData) {
  const TemporaryFolder folder;
  make_run(folder);
  std::filesystem::rename(folder / "d.lrd", folder / "moved.lrd");
  EXPECT_EQ(run_lrurec(folder, "evaluate run").code, 5);
  ASSERT_EQ(run_lrurec(folder, "train moved.lrd -o run -q --resume --max-steps 12").code, 0);
  const auto evaluated = run_lrurec(folder, "evaluate run");
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
}

// Nothing was said of them.
TEST(TrainCommand, AnotherBlasAndOneThreadAreToldWhereOpenBlasMultiplies) {
  const TemporaryFolder folder;
  make_run(folder, "own", " --threads 2");
  set_environment(folder, "own", "blas");
  const auto own = run_lrurec(folder, "train d.lrd -o own -q --resume --max-steps 11 --deterministic");
  EXPECT_EQ(own.code, 0);
  EXPECT_EQ(own.err, "") << "it has no product of OpenBLAS";

  make_run(folder, "gated", " --threads 2 --gates true");
  const auto one = run_lrurec(folder, "train d.lrd -o gated -q --resume --max-steps 11 --deterministic");
  EXPECT_NE(one.err.find("began with 2 threads and goes on with 1"), std::string::npos) << one.err;
  EXPECT_NE(one.err.find("(--deterministic false --threads 2 does)"), std::string::npos) << one.err;
  set_environment(folder, "gated", "blas");
  const auto blas =
      run_lrurec(folder, "train d.lrd -o gated -q --resume --max-steps 12 --deterministic false --threads 2");
  EXPECT_NE(blas.err.find("began with another BLAS"), std::string::npos) << blas.err;

  make_run(folder, "one", " --threads 2 --gates true --deterministic");
  const auto as_before = run_lrurec(folder, "train d.lrd -o one -q --resume --max-steps 11 --threads 2");
  EXPECT_EQ(as_before.err, "") << "the setting goes on";
  const auto two =
      run_lrurec(folder, "train d.lrd -o one -q --resume --max-steps 12 --threads 2 --deterministic false");
  EXPECT_NE(two.err.find("began with 1 threads and goes on with 2"), std::string::npos) << two.err;
  EXPECT_NE(two.err.find("(--deterministic does)"), std::string::npos) << two.err;
}

}  // namespace
}  // namespace lrurec
