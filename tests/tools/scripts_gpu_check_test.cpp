// tools/gpu_check.sh without a GPU: with a command and tests that only say what the script should see.

#include <filesystem>

#include "tests/support/files.h"

namespace lrurec {
namespace {

namespace fs = std::filesystem;

/// A folder like the one that tools/gpu_bundle.sh packs.
class GpuBundle {
 public:
  GpuBundle() {
    for (const char* name : {"bin", "docs", "tools/bench"}) fs::create_directories(folder_ / name);
    for (const char* name : {"tools/gpu_check.sh", "tools/bench/gpu_report.py"}) {
      fs::copy_file(test::source_folder() / name, folder_ / name);
    }
    is_version("1");
    // `prepare` is asked for a data set.
    program("bin/lrurec", "for a; do [ \"$before\" = -o ] && touch \"$a\"; before=$a; done; echo ok");
    tests("echo '[  PASSED  ] 3 tests.'");
  }
  void program(const std::string& name, const std::string& code) const {
    test::write_text(folder_ / name, "#!/usr/bin/env bash\n" + code + "\n");
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }
  /// A program of tests OldCuda.A, B, C and GruCuda.D that does `code`.
  void tests(const std::string& code) const {
    const std::string names = "printf 'OldCuda.\\n  A\\n  B\\n  C\\nGruCuda.\\n  D\\n'";
    program("bin/lrurec_tests", "case $* in *--gtest_list_tests*) " + names + "; exit ;; esac\n" + code);
  }
  void is_version(const std::string& version) const { test::write_text(folder_ / "version", version + "\n"); }
  test::CommandResult check(const std::string& arguments, const std::string& variables = "") const {
    return test::run_shell(folder_, variables + " tools/gpu_check.sh " + arguments);
  }
  /// What `command` prints in this folder.
  std::string shown(const std::string& command) const { return test::run_shell(folder_, command).out; }
  std::string report() const { return test::read_text(folder_ / "docs/gpu-results.md"); }

 private:
  test::TemporaryFolder folder_;
};

TEST(ScriptsCommand, GpuCheckCountsTestsThatFindNoGpuAsFailed) {
  const GpuBundle bundle;
  EXPECT_EQ(bundle.check("--sections tests").code, 0);
  // As LRUREC_NEEDS_GPU does.
  bundle.tests("[ -z \"$LRUREC_REQUIRE_GPU\" ]");
  const auto checked = bundle.check("--sections tests");
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find("1 steps failed"), std::string::npos) << checked.err;
}

TEST(ScriptsCommand, GpuCheckOfNothingIsAWrongCommandLine) {
  const GpuBundle bundle;
  for (const char* none : {"''", "' '"}) {
    EXPECT_EQ(bundle.check(std::string("--sections ") + none).code, 2);
  }
}

TEST(ScriptsCommand, GpuCheckFailsWhereASectionHadNothingToRun) {
  const GpuBundle bundle;
  bundle.program("any_python", "");
  for (const char* section : {"parity", "peers"}) {
    const auto checked = bundle.check(std::string("--sections ") + section, "LRUREC_PYTORCH=./any_python");
    EXPECT_EQ(checked.code, 1) << section;
    EXPECT_NE(checked.err.find("did not run"), std::string::npos) << checked.err;
  }
}

// After a fault every call of CUDA in a process fails. Tests of kernels that never ran come first. Why a test
// failed stands on GoogleTest's stdout.
TEST(ScriptsCommand, GpuCheckRunsWhatIsBehindAFaultOnceMoreAndSaysWhyItFailed) {
  const GpuBundle bundle;
  bundle.tests(R"sh(
for a; do case $a in --gtest_flagfile=*) filter=$(sed s/--gtest_filter=// "${a#*=}") ;; esac; done
IFS=: fault=
for name in $filter; do
  echo "$name" >>order
  echo "[ RUN      ] $name"
  [ "$name" = OldCuda.B ] && fault=1
  [ -z "$fault" ] && { echo "[       OK ] $name (0 ms)"; continue; }
  printf '%s\n' 'x.cpp:1: Failure' '[my_kernel] CUDA: an illegal memory access' "[  FAILED  ] $name (0 ms)"
done
seq 100
[ -z "$fault" ])sh");
  const auto checked = bundle.check("--sections tests");
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find("2 steps failed"), std::string::npos) << checked.err;
  EXPECT_NE(checked.err.find("[my_kernel] CUDA: an illegal memory access"), std::string::npos) << checked.err;
  EXPECT_EQ(bundle.shown("tr '\\n' ' ' <order"),
            "GruCuda.D OldCuda.A OldCuda.B OldCuda.C GruCuda.D OldCuda.A OldCuda.B OldCuda.C OldCuda.C ");
  if (bundle.shown("command -v python3").empty()) GTEST_SKIP() << "there is no python3";
  const std::string report = bundle.report();
  EXPECT_NE(report.find("launch by launch, part 2 | ok"), std::string::npos) << report;
  EXPECT_NE(report.find("[my_kernel] CUDA: an illegal memory access"), std::string::npos) << report;
}

// What racecheck calls a warning leaves its exit code 0.
TEST(ScriptsCommand, GpuCheckFailsWhereRacecheckDisplaysHazards) {
  const GpuBundle bundle;
  const auto check = [&](const std::string& summary) {
    bundle.program("tools/compute-sanitizer", "case $* in *racecheck*) echo '========= RACECHECK SUMMARY: " +
                                                  summary + "' ;; *) echo ok ;; esac");
    return bundle.check("--sections sanitizer", "PATH=$PWD/tools:$PATH");
  };
  const auto clean = check("0 hazards displayed (0 errors, 0 warnings)");
  EXPECT_EQ(clean.code, 0) << clean.err;
  const auto found = check("10 hazards displayed (0 errors, 10 warnings)");
  EXPECT_EQ(found.code, 1);
  EXPECT_NE(found.err.find("1 steps failed"), std::string::npos) << found.err;
  if (bundle.shown("command -v python3").empty()) GTEST_SKIP() << "there is no python3";
  for (const char* text : {"| racecheck | **exit code 1** |", "racecheck: `RACECHECK SUMMARY: 10 hazards"}) {
    EXPECT_NE(bundle.report().find(text), std::string::npos) << text << '\n' << bundle.report();
  }
}

// `evaluate` has no TF32; the validation of a training with it has.
TEST(ScriptsCommand, GpuCheckTimesAnEvaluationWithAndWithoutTf32) {
  const GpuBundle bundle;
  bundle.program("bin/lrurec", R"sh(
all=$*
case $1 in prepare) touch "$4" ;; bench) echo "$2 ${all##*--tf32 }" >>timed ;; esac)sh");
  EXPECT_EQ(bundle.check("--sections benchmarks").code, 0);
  EXPECT_EQ(bundle.shown("grep eval timed"), "eval true --json\neval false --json\n");
}

// The sanitizer may take longer than the rest together.
TEST(ScriptsCommand, GpuCheckRunsTheSanitizerLast) {
  const GpuBundle bundle;
  bundle.program("tools/compute-sanitizer", "echo ok");
  EXPECT_EQ(bundle.shown("PATH=$PWD/tools:$PATH tools/gpu_check.sh 2>&1 | "
                         "sed -n 's/^gpu_check: \\([a-z]*\\): .*/\\1/p' | uniq | tr '\\n' ' '"),
            "device tests parity training bits ways benchmarks sanitizer ");
}

TEST(ScriptsCommand, GpuCheckEndsAStepThatTakesTooLong) {
  const GpuBundle bundle;
  bundle.shown("sed -i s/^limit=60/limit=0.1/ tools/gpu_check.sh");
  bundle.program("bin/lrurec", R"sh(case $* in *grad*) sleep 9 ;; *prepare*) touch "$4" ;; esac)sh");
  const auto checked = bundle.check("--sections tests");
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find("ended after 0.1 s"), std::string::npos) << checked.err;
}

// A machine may take a command away, and give back few files.
TEST(ScriptsCommand, GpuCheckThatIsEndedLeavesItsReportAndOneFileOfResults) {
  const GpuBundle bundle;
  bundle.tests("kill \"$(cat pid)\"; exec sleep 9");
  const std::string check = "exec tools/gpu_check.sh --sections \"training tests\" --archive out/all.tar.gz";
  bundle.shown("sh -c 'echo $$ >pid; " + check + "' 2>err");
  const std::string packed = bundle.shown("tar tf out/all.tar.gz");
  EXPECT_NE(packed.find("training.demo__the_same_in_TF32.step"), std::string::npos) << packed;
  EXPECT_EQ(bundle.shown("grep -oE '(training|tests):' err | uniq | tr '\\n' ' '"), "training: tests: ")
      << "in the order asked for";
  if (bundle.shown("command -v python3").empty()) GTEST_SKIP() << "there is no python3";
  for (const char* text : {"| demo, the same in TF32 | ok |", "group 01 of 1 | **exit code 143** |"}) {
    EXPECT_NE(bundle.report().find(text), std::string::npos) << text << '\n' << bundle.report();
  }
}

// Regression: files that one comparison left behind were in the way of the next.
TEST(ScriptsCommand, GpuCheckComparesTwoProcessesAnewAfterADifference) {
  const GpuBundle bundle;
  bundle.program("bin/lrurec", R"sh(
for a; do [ "$before" = -o ] && file=$a; before=$a; done
case $1 in
  prepare) touch "$file" ;;
  export) [ ! -e "$file" ] && echo x >>exported && head -n 2 exported >"$file" ;;
esac)sh");
  const auto checked = bundle.check("--sections bits");
  EXPECT_NE(checked.err.find("1 steps failed"), std::string::npos) << checked.err;
}

TEST(ScriptsCommand, GpuCheckFailsWhereNoReportCanBeMade) {
  const GpuBundle bundle;
  bundle.program("no_python", "exit 1");
  const auto checked = bundle.check("--sections tests", "LRUREC_PYTORCH=./no_python");
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find("the report could not be made"), std::string::npos) << checked.err;
}

TEST(ScriptsCommand, GpuCheckKeepsTheVersionOfEarlierResults) {
  const test::TemporaryFolder anywhere;
  if (test::run_shell(anywhere, "python3 -c ''").code != 0) GTEST_SKIP() << "there is no python3";
  const GpuBundle bundle;
  ASSERT_EQ(bundle.check("--sections tests").code, 0);
  EXPECT_NE(bundle.report().find("from version 1: 2 steps"), std::string::npos) << bundle.report();
  bundle.is_version("2");
  ASSERT_EQ(bundle.check("--sections device").code, 0);
  for (const char* text :
       {"from several versions", "## The machine\n\nFrom version 2.", "## Tests\n\nFrom version 1."}) {
    EXPECT_NE(bundle.report().find(text), std::string::npos) << text << '\n' << bundle.report();
  }
}

}  // namespace
}  // namespace lrurec
