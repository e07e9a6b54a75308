// The scripts of tools/ in a folder of their own, where other programs only say what a script should see.

#include <filesystem>

#include "tests/support/files.h"

namespace lrurec {
namespace {

/// Copies of some scripts, with help.sh and ccache.sh. Programs in bin/ come before the machine's.
class StubbedScripts {
 public:
  explicit StubbedScripts(std::initializer_list<const char*> names) {
    std::filesystem::create_directories(folder_ / "tools/bench");
    for (const std::string name : {"help.sh", "ccache.sh"}) copy(name);
    for (const std::string name : names) copy(name);
  }
  void program(const std::string& name, const std::string& code) const {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    test::write_text(path, "#!/usr/bin/env bash\n" + code + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  test::CommandResult run(const std::string& command) const {
    return test::run_shell(folder_, "export PATH=$PWD/bin:$PATH; " + command);
  }
  bool has(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  void copy(const std::string& name) const {
    std::filesystem::copy_file(test::source_folder() / "tools" / name, folder_ / ("tools/" + name));
  }
  test::TemporaryFolder folder_;
};

TEST(ScriptsCommand, TestRunsTheWholeBuildOfThisFolder) {
  const StubbedScripts scripts{"test.sh"};
  scripts.program("tools/setup.sh", "");
  scripts.program("tools/build.sh", "touch built");
  scripts.program("build/bin/lrurec_tests",
                  "for a; do [[ $a != --gtest_output=xml:* ]] || "
                  "echo '<testsuites tests=\"1\" failures=\"0\" errors=\"0\">' >\"${a#*:}\"; done\n"
                  "[ -z \"${LRUREC_BUILD+x}${LRUREC_BINARY+x}${LRUREC_SOURCE_DIR+x}\" ]");
  const auto refused = scripts.run("LRUREC_CUDA=EMULATED tools/test.sh --fast");
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_FALSE(scripts.has("built"));
  const auto tested =
      scripts.run("LRUREC_BUILD=x LRUREC_BINARY=x LRUREC_SOURCE_DIR=x LRUREC_CUDA=OFF tools/test.sh --fast");
  EXPECT_EQ(tested.code, 0) << tested.out << tested.err;
}

// Regression: some thousand tests of CUDA kernels were skipped as well, and no reason was told.
TEST(ScriptsCommand, TestTellsEachReasonForSkippingOnce) {
  const StubbedScripts scripts{"test.sh"};
  for (const char* name : {"tools/setup.sh", "tools/build.sh", "tools/test_install.sh"}) {
    scripts.program(name, "");
  }
  scripts.program("bin/nproc", "echo 2");
  scripts.program("build/bin/lrurec", "echo '{\"problem\": \"no GPU\"}'");
  const std::string report =
      "for a; do [[ $a != --gtest_output=xml:* ]] || echo "
      "'<testsuites tests=\"2\" failures=\"0\" errors=\"0\">\n<skipped message=\"a.cpp:1&#x0A;no "
      "&quot;zsh&quot; here\"><![CDATA[a.cpp:1\nno zsh here]]></skipped>' >\"${a#*:}\"; done";
  scripts.program("build/bin/lrurec_tests", report + "; [[ $* == *--gtest_filter=-*Cuda* ]]");
  scripts.program("build/emulated/bin/lrurec_tests", report);
  const auto tested = scripts.run("tools/test.sh");
  EXPECT_EQ(tested.code, 0) << tested.err;
  EXPECT_EQ(tested.out, "5 passed, 0 failed, 4 skipped\n");
  const auto first = tested.err.find("test: 2 skipped: no \"zsh\" here\n");
  ASSERT_NE(first, std::string::npos) << tested.err;
  const auto second = tested.err.find("test: 2 skipped: no \"zsh\" here\n", first + 1);
  EXPECT_NE(second, std::string::npos) << "of the emulated tests";
  EXPECT_EQ(tested.err.find("skipped: ", second + 10), std::string::npos) << tested.err;
}

TEST(ScriptsCommand, SanitizeRefusesAFilterThatNoTestMatches) {
  const StubbedScripts scripts{"sanitize.sh"};
  scripts.program("tools/setup.sh", "");
  scripts.program("bin/cmake", "");
  for (const char* build : {"asan", "asan-fast", "races"}) {
    scripts.program(std::string("build/") + build + "/bin/lrurec_tests", "");
  }
  for (const char* arguments : {"address Nothign.*", "fast", "races"}) {
    const auto checked = scripts.run(std::string("tools/sanitize.sh ") + arguments);
    EXPECT_EQ(checked.code, 2) << checked.out;
    EXPECT_NE(checked.err.find("no test matches"), std::string::npos) << checked.err;
  }
}

TEST(ScriptsCommand, FuzzRefusesATargetThatThereIsNot) {
  const StubbedScripts scripts{"fuzz.sh"};
  for (const char* name : {"tools/setup.sh", "tools/build.sh", "bin/cmake"}) scripts.program(name, "");
  scripts.program("build/fuzz/bin/lrurec_fuzz",
                  "echo 'LRUREC_FUZZ_TARGET must be one of: toml events' >&2; exit 2");
  const auto refused = scripts.run("tools/fuzz.sh --seconds 1 tmol");
  EXPECT_EQ(refused.code, 2) << refused.out;
  EXPECT_NE(refused.err.find("there are: toml events"), std::string::npos) << refused.err;
  EXPECT_FALSE(scripts.has("tests"));
  scripts.program("build/fuzz/bin/lrurec_fuzz", "exit 1");
  EXPECT_EQ(scripts.run("tools/fuzz.sh --seconds 1").code, 1);
}

TEST(ScriptsCommand, KernelsThatNobodyToldOfAreNotFreeOfSpills) {
  const StubbedScripts scripts{"bench/cuda_resources.sh"};
  scripts.program("bin/git", "echo ops/a/a.cu");
  scripts.program("bin/nvcc", "");
  const auto checked = scripts.run("tools/bench/cuda_resources.sh");
  EXPECT_EQ(checked.code, 2) << checked.out;
  EXPECT_NE(checked.err.find("told of no kernel"), std::string::npos) << checked.err;
}

// A launch leaves 16 of 48 KiB to what a kernel declares.
TEST(ScriptsCommand, KernelsThatDeclareTooMuchSharedMemoryAreRefused) {
  const StubbedScripts scripts{"bench/cuda_resources.sh"};
  if (scripts.run("command -v c++filt").code != 0) GTEST_SKIP() << "there is no c++filt";
  scripts.program("bin/git", "echo ops/a/a.cu");
  const auto with_shared = [&](int bytes) {
    scripts.program("bin/nvcc",
                    "echo \"ptxas info    : Compiling entry function '_Z1kPf' for 'sm_90'\"\n"
                    "echo '    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads'\n"
                    "echo 'ptxas info    : Used 9 registers, used 1 barriers, " +
                        std::to_string(bytes) + " bytes smem'");
    return scripts.run("tools/bench/cuda_resources.sh");
  };
  const auto most = with_shared(16384), more = with_shared(16388);
  EXPECT_EQ(most.code, 0) << most.err;
  EXPECT_EQ(more.code, 1) << more.out;
  EXPECT_NE(more.err.find("16388"), std::string::npos) << more.err;
}

TEST(ScriptsCommand, ChangesOfWhichNoneCompilesAreNotNoticed) {
  const StubbedScripts scripts{"mutate_gradients.py"};
  if (scripts.run("python3 -c ''").code != 0) GTEST_SKIP() << "there is no python3";
  std::filesystem::create_directories(scripts / "ops/a");
  test::write_text(scripts / "ops/a/a.cpp", "void a_backward() {\n  dx = dy * y;\n}\n");
  scripts.program("bin/git",
                  "[[ $* != *'worktree add'* ]] || { mkdir -p \"${!#}\" && cp -r ops \"${!#}\"; }");
  // The first build is of what is not changed.
  scripts.program("bin/cmake",
                  "[ \"$1\" = --build ] || exit 0\n"
                  "mkdir -p \"$2/bin\" && mkdir \"$2/once\" && cp /bin/true \"$2/bin/lrurec_tests\"");
  const auto mutated = scripts.run("tools/mutate_gradients.py");
  EXPECT_EQ(mutated.code, 1) << mutated.err;
  EXPECT_NE(mutated.out.find("0 changes, 0 noticed, 0 not; 1 did not compile"), std::string::npos)
      << mutated.out;
  scripts.program("bin/git", "exit 128");
  EXPECT_NE(scripts.run("tools/mutate_gradients.py").err.find("needs git"), std::string::npos);
}

TEST(ScriptsCommand, CcacheKeepsAFolderThatIsNotThereYet) {
  const StubbedScripts scripts{};
  scripts.program("bin/ccache", "");
  const std::string show = " bash -euc 'source tools/ccache.sh build; echo \"$CCACHE_DIR\"'";
  EXPECT_EQ(scripts.run("CCACHE_DIR=$PWD/new/cache" + show).out, (scripts / "new/cache").string() + "\n");
  EXPECT_EQ(scripts.run("CCACHE_DIR=/dev/null/cache" + show).out, (scripts / "build/ccache").string() + "\n");
}

TEST(ScriptsCommand, ResultsOfTwoDataSetsNeedTwoNames) {
  const StubbedScripts scripts{"bench/run_all.sh"};
  const auto refused = scripts.run("tools/bench/run_all.sh out a/x.lrd ml-1m b/y.lrd beauty b/x.lrd video");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("one file: x"), std::string::npos) << refused.err;
}

TEST(ScriptsCommand, SetupGoesOnWithoutWhatTheBuildCanDoWithout) {
  const StubbedScripts scripts{"setup.sh"};
  scripts.program("bin/id", "echo 0");
  scripts.program("bin/apt-get", "echo offline >&2; exit 100");
  // Of two architectures each.
  scripts.program(
      "bin/dpkg-query",
      "[[ \" $lacking \" == *\" ${!#} \"* ]] || printf \"${3//'${db:Status-Status}'/installed}%.0s\" 1 2");
  const auto whole = scripts.run("tools/setup.sh");
  EXPECT_EQ(whole.code, 0);
  EXPECT_EQ(whole.err, "");
  const auto without = scripts.run("lacking='ccache libbenchmark-dev' tools/setup.sh");
  EXPECT_EQ(without.code, 0);
  EXPECT_NE(without.err.find("could not install ccache libbenchmark-dev\n"), std::string::npos)
      << without.err;
  EXPECT_EQ(scripts.run("lacking='ccache cmake' tools/setup.sh").code, 1);
}

TEST(ScriptsCommand, PackageRunsTheCommandOnlyWhereItMay) {
  const StubbedScripts scripts{"package.sh"};
  for (const char* name : {"bin/file", "bin/dpkg-shlibdeps"}) scripts.program(name, "");
  scripts.program("bin/cmake", "echo \"$@\" >&2; exit 1");
  const auto without = scripts.run("LRUREC_SHARE=OFF LRUREC_ARCH=armv9-a tools/package.sh");
  EXPECT_NE(without.err.find("-DLRUREC_SHARE=OFF"), std::string::npos) << without.err;
  const auto with = scripts.run("env -u LRUREC_SHARE LRUREC_ARCH=armv9-a tools/package.sh");
  EXPECT_NE(with.err.find("-DLRUREC_SHARE=ON"), std::string::npos) << with.err;
}

TEST(ScriptsCommand, LintLooksAtAllWhereNothingWasBefore) {
  const StubbedScripts scripts{"lint.sh"};
  if (scripts.run("git --version").code != 0) GTEST_SKIP() << "there is no git";
  for (const char* name : {"bin/clang++", "bin/cmake"}) scripts.program(name, "");
  scripts.program("bin/clang-tidy", "echo looks at \"${@:4}\"");
  test::write_text(scripts / "tools/one.cpp", "");
  ASSERT_EQ(
      scripts.run("git init -q && git add tools && git -c user.name=a -c user.email=a@b commit -qm first")
          .code,
      0);
  const auto first = scripts.run("tools/lint.sh --changed");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, "looks at tools/one.cpp\nlint: ok\n");
  EXPECT_EQ(scripts.run("tools/lint.sh --changed nowhere").code, 2);
}

// Regression: a change of only headers was passed over.
TEST(ScriptsCommand, LintLooksAtAChangedHeaderWithASourceThatIncludesIt) {
  const StubbedScripts scripts{"lint.sh"};
  if (scripts.run("git --version").code != 0) GTEST_SKIP() << "there is no git";
  for (const char* name : {"bin/clang++", "bin/cmake"}) scripts.program(name, "");
  scripts.program("bin/clang-tidy", "printf '%s\\n' \"${@:4}\" >> looked");
  std::filesystem::create_directories(scripts / "nn");
  for (const char* name : {"own", "first", "second", "other"}) {
    test::write_text(scripts / ("nn/" + std::string(name) + ".cpp"), "#include \"nn/shared.h\"\n");
  }
  test::write_text(scripts / "nn/other.cpp", "");
  const auto commit = [&](const std::string& line) {
    for (const char* header : {"own", "shared", "unused"}) {
      test::write_text(scripts / ("nn/" + std::string(header) + ".h"), line);
    }
    const auto made =
        scripts.run("git init -q && git add nn && git -c user.name=a -c user.email=a@b commit -qm a");
    ASSERT_EQ(made.code, 0) << made.err;
  };
  const auto looked_at = [&] {
    std::filesystem::remove(scripts / "looked");
    const auto linted = scripts.run("tools/lint.sh --changed && sort looked");
    EXPECT_EQ(linted.code, 0) << linted.err;
    return linted.out;
  };
  commit("");
  commit("// changed\n");
  EXPECT_EQ(looked_at(), "lint: ok\nnn/own.cpp\n") << "it has its own header and the shared one";
  test::write_text(scripts / "nn/second.cpp", "#include \"nn/shared.h\"\n// changed\n");
  commit("// again\n");
  EXPECT_EQ(looked_at(), "lint: ok\nnn/own.cpp\nnn/second.cpp\n");
  test::write_text(scripts / "nn/own.cpp", "");
  commit("// and again\n");
  EXPECT_EQ(looked_at(), "lint: ok\nnn/first.cpp\nnn/own.cpp\n");
}

TEST(ScriptsCommand, ArchitecturesOfKernelsDoNotDependOnEarlierBuilds) {
  const StubbedScripts scripts{};
  if (scripts.run("command -v nvcc cmake ninja").code != 0) GTEST_SKIP() << "there is no nvcc";
  scripts.program("bin/nvidia-smi", "echo 8.9");
  scripts.program("tests/ops/cuda_formulas.cu", "");
  test::write_text(
      scripts / "CMakeLists.txt",
      "cmake_minimum_required(VERSION 3.25)\nproject(architectures CXX)\nfind_package(fmt REQUIRED)\n"
      "add_library(lrurec_options INTERFACE)\ninclude(" +
          (test::source_folder() / "tools/cuda.cmake").string() + ")\n");
  const auto architectures = [&](const std::string& options) {
    const auto configured =
        scripts.run("env -u CUDAARCHS cmake -G Ninja -S . -B build " + options +
                    " >&2 && sed -n 's/^CMAKE_CUDA_ARCHITECTURES:.*=//p' build/CMakeCache.txt");
    EXPECT_EQ(configured.code, 0) << configured.err;
    return configured.out;
  };
  EXPECT_EQ(architectures("-DLRUREC_CUDA=AUTO"), "89\n");
  EXPECT_EQ(architectures("-DLRUREC_CUDA=ON"), "80-real;90\n");
  EXPECT_EQ(architectures("-DLRUREC_CUDA=AUTO"), "89\n");
  EXPECT_EQ(architectures("-DLRUREC_CUDA=AUTO -DCMAKE_CUDA_ARCHITECTURES=80"), "80\n");
  EXPECT_EQ(architectures("-DLRUREC_CUDA=ON"), "80\n");
}

}  // namespace
}  // namespace lrurec
