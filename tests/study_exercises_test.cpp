// The exercises of docs/study/exercises: their stubs are wrong, their solutions right, common mistakes named.

#include <filesystem>
#include <map>
#include <set>

#include "tests/support/files.h"

namespace lrurec {
namespace {

namespace fs = std::filesystem;
using test::CommandResult;
using test::TemporaryFolder;

constexpr int exercises = 10;

fs::path study_programs() { return fs::path(test::command_path()).parent_path() / "study_exercises"; }
/// Tests that were carried to another machine have the command beside them alone.
bool carried() { return std::getenv("LRUREC_BINARY") != nullptr && !fs::exists(study_programs()); }

CommandResult run_program(const std::string& name) {
  const TemporaryFolder folder;
  return test::run_shell(folder, (study_programs() / name).string());
}

CommandResult run_study(const TemporaryFolder& folder, const std::string& arguments) {
  return test::run_shell(folder, (test::source_folder() / "tools/study.sh").string() + " " + arguments);
}

fs::path folder_of(int number) {
  for (const auto& entry : fs::directory_iterator(test::source_folder() / "docs/study/exercises")) {
    if (entry.path().filename().string().starts_with(std::to_string(number) + "_")) return entry.path();
  }
  return {};
}

TEST(StudyExercisesCommand, StubsAreWrongAndSaySo) {
  if (carried()) GTEST_SKIP() << "the programs were not carried here";
  for (int n = 1; n <= exercises; ++n) {
    const CommandResult result = run_program(std::to_string(n) + "_stub");
    EXPECT_EQ(result.code, 1) << n << ": is exercise.cpp still the stub?\n" << result.out << result.err;
    EXPECT_TRUE(result.out.starts_with("exercise " + std::to_string(n) + ": wrong, ")) << result.out;
    EXPECT_NE(result.out.find("expected "), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("  hint: "), std::string::npos) << result.out;
    EXPECT_NE(test::read_text(folder_of(n) / "exercise.h"), "");
  }
}

TEST(StudyExercisesCommand, SolutionsAreRight) {
  if (carried()) GTEST_SKIP() << "the programs were not carried here";
  for (int n = 1; n <= exercises; ++n) {
    const CommandResult result = run_program(std::to_string(n) + "_solution");
    EXPECT_EQ(result.code, 0) << n << ": " << result.out << result.err;
    EXPECT_TRUE(result.out.starts_with("exercise " + std::to_string(n) + ": right, ")) << result.out;
  }
}

TEST(StudyExercisesCommand, CommonMistakesAreNamed) {
  if (carried()) GTEST_SKIP() << "the programs were not carried here";
  // Name of the program (tools/study_exercises.cmake), where it fails first, the hint.
  struct Named {
    std::string where, hint;
  };
  const std::map<std::string, Named> mistakes{
      {"1_no_conj", {"offsets [0, 4]: dx, index [0, 0]", "dx: conj is missing"}},
      {"1_no_conj_of_state", {"dlambda, index [0]", "dlambda: conj is missing"}},
      {"1_forward_time", {"offsets [0, 4]: dx, index [0, 0]", "dx: time runs the wrong way"}},
      {"1_conjugated",
       {"offsets [0, 1]: dx, index [0, 0], imaginary part", "dx: this is the conj of the gradient"}},
      {"1_across_boundary", {"dlambda, index [0]", "the last state of the sequence before"}},
      {"1_sums_that_stay", {"two backward passes gave different bits", "are right for one dh"}},
      {"1_into_the_gradient", {"backward writes to the gradient it was given", "dh was written to"}},
      {"2_uniform_modulus", {"|lambda|^2, channel 0 (u1 = 0.5)", "here |lambda| is uniform"}},
      {"2_squared_for_modulus",
       {"|lambda|^2, channel 0 (u1 = 0.5)", "nu = -log|lambda| = -log(|lambda|^2) / 2"}},
      {"2_no_minus", {"|lambda|^2, channel 0 (u1 = 0.5)", "nu_log is NaN"}},
      {"2_degrees", {"theta, channel 0 (u2 = 0.125)", "theta is in degrees"}},
      {"2_centred", {"theta, channel 0 (u2 = 0.125)", "theta runs from -pi to pi"}},
      {"2_wrong_angle", {"theta, channel 0 (u2 = 0.125)", "|lambda|^2 is right; theta must be 2 pi u2"}},
      {"2_one_ring", {"|lambda|^2, another ring, channel 0 (u1 = 0.5)", "r_min and r_max are arguments"}},
      {"3_no_root", {"variance of the state, channel 0", "without the root"}},
      {"3_modulus_for_square", {"variance of the state, channel 0", "gamma is sqrt(1 - |lambda|) here"}},
      {"3_cancellation", {"gamma_log, channel 5 (nu = 1e-09)", "use std::expm1"}},
      {"4_from_zero", {"sequence 0, row 0", "sequences begin from 0 here"}},
      {"4_same_initial", {"offsets [0, 3, 5], sequence 1, row 3", "every sequence begins from initial[0]"}},
      {"4_lambda_at_first", {"sequence 0, row 0", "the first state is initial[s] + x here"}},
      {"5_in_gradient", {"p, step 1, index 0", "the decay was added to the gradient"}},
      {"5_through_the_step", {"p, step 1, index 0", "scaled by the adaptive step"}},
      {"5_without_lr", {"p, step 1, index 0", "the decay lacks lr"}},
      {"6_no_conj", {"c128: gradcheck, index [0, 0], real part", "conj is missing"}},
      {"6_wrong_sign", {"f64: gradcheck, index [0, 0], real part", "the sign is wrong"}},
      {"6_not_contiguous", {"transposed in memory", "read from grad.contiguous()"}},
      {"6_in_place", {"f64: gradcheck: two backward passes gave different bits", "must stay as it is"}},
      {"6_into_the_gradient", {"f64: gradcheck: backward writes to the gradient", "dy was written to"}},
      {"6_over_its_input", {"f64: x is another after the call", "y shares x's memory"}},
      {"7_natural_log", {"the target has the best score: rank 1, case 0", "base e here"}},
      {"7_ties_for_the_target",
       {"one equal score: rank 2, case 6", "equal scores count for the target here"}},
      {"7_cut_before_k", {"rank 3 with k = 3, case 3", "rank k is cut off here"}},
      {"7_seen_twice", {"a better item was seen twice: rank 2, case 12", "taken off twice here"}},
      {"8_pad_behind", {"join, length 3, round 1, row 1", "zeros stand behind the rows"}},
      {"8_one_power", {"join, length 3, round 2, row 1", "gets lambda^half here"}},
      {"8_no_powers", {"join, length 3, round 2, row 2", "gets lambda here"}},
      {"8_row_by_row", {"join, length 3, round 2, row 1", "its own row of the first half"}},
      {"8_from_power_0", {"join, length 2, round 1, row 1", "the powers begin with lambda^0"}},
      {"8_updated_row", {"join, length 3, round 2, row 2", "this round has changed already"}},
      {"8_anew_from_x",
       {"multiply-adds, (L / 2) log2(L), length 2: expected 1, got 3", "not what they cost"}},
      {"9_own_lambda", {"x, length 3, token 0", "x: h_t reaches h_{t+1} through lambda_{t+1}"}},
      {"9_no_conj", {"x, length 3, token 0", "x: conj is missing"}},
      {"9_state_after", {"lambda, length 3, token 0", "lambda: h_t was used"}},
      {"9_no_conj_of_state", {"lambda, length 3, token 0", "lambda: conj is missing"}},
      {"9_from_zero", {"lambda, length 3, token 0", "its lambda multiplied `initial`"}},
      {"9_later_is_lost", {"lambda, length 3, token 0", "lambda: dh_t was used"}},
      {"9_initial_as_x", {"initial, length 3", "`initial` reaches h_0 through lambda_0"}},
      {"10_bonus_stays", {"keys near 0, token 1", "the newest token has no bonus here"}},
      {"10_falls_early", {"keys near 0, token 1", "before y_t uses them here"}},
      {"10_nothing_falls", {"keys near 0, token 2", "nothing falls with age here"}},
      {"10_no_bonus", {"keys near 0, token 1", "the newest token has no bonus here"}},
      {"10_plain_powers", {"keys near 1000, token 0", "e^1000 is infinite here"}},
      {"10_follows_down", {"keys 0, -500, -1000, ..., token", "m must not follow it down"}},
  };
  for (const auto& [name, expected] : mistakes) {
    const CommandResult result = run_program(name);
    EXPECT_EQ(result.code, 1) << name << ": " << result.out << result.err;
    const std::size_t at = result.out.find("  hint: ");
    ASSERT_NE(at, std::string::npos) << name << ": " << result.out;
    EXPECT_NE(result.out.substr(0, at).find(expected.where), std::string::npos) << name << ": " << result.out;
    EXPECT_NE(result.out.substr(at).find(expected.hint), std::string::npos) << name << ": " << result.out;
    EXPECT_EQ(result.out.find("  hint: ", at + 1), std::string::npos) << name << ": " << result.out;
  }
}

// AddressSanitizer of GCC 12 does not see a complex number that is set to a real one.
TEST(StudyExercisesCommand, WritingBehindATensorStops) {
  if (carried()) GTEST_SKIP() << "the programs were not carried here";
  const CommandResult result = run_program("1_behind_the_end");
  EXPECT_NE(result.code, 0) << result.out << result.err;
  EXPECT_NE(result.err.find("Assertion"), std::string::npos) << result.out << result.err;
}

TEST(StudyExercisesCommand, TheSampleOfTheirPageIsWhatIsPrinted) {
  if (carried()) GTEST_SKIP() << "the programs were not carried here";
  const std::string page = test::read_text(test::source_folder() / "docs/study/exercises/README.md");
  EXPECT_NE(page.find("\n" + run_program("3_no_root").out + "```"), std::string::npos) << page;
}

TEST(StudyExercisesCommand, TheCommandListsThemAndShowsSolutions) {
  const TemporaryFolder folder;
  const CommandResult listed = run_study(folder, "list");
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), exercises) << listed.out;
  for (int n = 1; n <= exercises; ++n) {
    EXPECT_TRUE(("\n" + listed.out).find("\n" + std::to_string(n) + "  ") != std::string::npos) << listed.out;
    const CommandResult solution = run_study(folder, "solution " + std::to_string(n));
    EXPECT_EQ(solution.code, 0) << solution.err;
    EXPECT_EQ(solution.out, test::read_text(folder_of(n) / "solution.cpp"));
  }
}

TEST(StudyExercisesCommand, TheCommandRefusesWhatItCannotCheck) {
  const TemporaryFolder folder;
  for (const auto& [arguments, sentence] : std::map<std::string, std::string>{
           {"", "usage: tools/study.sh"},
           {"check", "usage: tools/study.sh"},
           {"solve 1", "usage: tools/study.sh"},
           {"check 11", "study: there is no exercise 11"},
           {"check gamma", "study: an exercise is a number, not 'gamma'"},
           {"solution 0", "study: there is no exercise 0"},
           {"check 3 missing.cpp", "study: there is no file"},
       }) {
    const CommandResult result = run_study(folder, arguments);
    EXPECT_EQ(result.code, 2) << arguments << ": " << result.err;
    EXPECT_TRUE(result.err.starts_with(sentence)) << arguments << ": " << result.err;
    EXPECT_EQ(result.out, "") << arguments;
  }
}

// Starts from nothing: a build folder of its own, so that it meets no other build.
TEST(StudyExercisesCommand, ChecksTheLearnersFile) {
  const TemporaryFolder folder;
  if (test::run_shell(folder, "command -v cmake && command -v ninja && test -f " +
                                  (test::source_folder() / "CMakeLists.txt").string())
          .code != 0) {
    GTEST_SKIP() << "CMake, Ninja or the sources are not here";
  }
  const auto check = [&](const std::string& file) {
    return test::run_shell(folder, "LRUREC_CUDA=OFF LRUREC_BUILD=" + (folder / "build").string() + " " +
                                       (test::source_folder() / "tools/study.sh").string() + " check 3 " +
                                       file);
  };
  const std::string solution = test::read_text(folder_of(3) / "solution.cpp");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = solution;
    text.replace(text.find(from), from.size(), to);
    return text;
  };

  test::write_text(folder / "mine.cpp", solution);
  const CommandResult right = check("mine.cpp");
  EXPECT_EQ(right.code, 0) << right.out << right.err;
  EXPECT_EQ(right.out, "exercise 3: right, 7 checks\n");
  EXPECT_NE(right.err.find("study: setting up"), std::string::npos) << right.err;

  // The same file, changed: it is built again, and nothing else.
  test::write_text(folder / "mine.cpp", with("0.5 * ", ""));
  const CommandResult wrong = check("mine.cpp");
  EXPECT_EQ(wrong.code, 1) << wrong.out << wrong.err;
  EXPECT_TRUE(wrong.out.starts_with("exercise 3: wrong, 5 of 5 checks failed\n")) << wrong.out;
  EXPECT_NE(wrong.out.find("hint: gamma is 1 - |lambda|^2 here"), std::string::npos) << wrong.out;
  EXPECT_EQ(wrong.err, "");

  test::write_text(folder / "other.cpp", with("0.5 * ", "half * "));
  const CommandResult broken = check("other.cpp");
  EXPECT_EQ(broken.code, 1) << broken.out << broken.err;
  EXPECT_EQ(broken.out, "");
  EXPECT_NE(broken.err.find((folder / "other.cpp").string() + ":"), std::string::npos) << broken.err;
  EXPECT_NE(broken.err.find("half"), std::string::npos) << broken.err;
  EXPECT_NE(broken.err.find("other.cpp does not compile"), std::string::npos) << broken.err;
  EXPECT_EQ(broken.err.find("FAILED:"), std::string::npos) << broken.err;

  test::write_text(folder / "beyond.cpp", with("result(nu_log.size())", "result(3)"));
  const CommandResult beyond = check("beyond.cpp");
  EXPECT_EQ(beyond.code, 1) << beyond.out << beyond.err;
  EXPECT_NE(beyond.err.find("Assertion"), std::string::npos) << beyond.err;
  // Regression: only a line of a libstdc++ header was named, not this line of the learner's file.
  const auto line = [&](const std::string& file, const std::string& text) {
    const std::string before = solution.substr(0, solution.find(text));
    return (folder / file).string() + ":" +
           std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + "\n";
  };
  EXPECT_EQ(beyond.out, "exercise 3: wrong, it was stopped, as the lines above say: " +
                            line("beyond.cpp", "result[d] ="));

  test::write_text(folder / "pointer.cpp", with("result[d] =", "result.data()[d + 1] ="));
  const CommandResult pointer = check("pointer.cpp");
  EXPECT_EQ(pointer.code, 1) << pointer.out << pointer.err;
  EXPECT_EQ(pointer.out, "exercise 3: wrong, it was stopped, it read or wrote outside an array: " +
                             line("pointer.cpp", "result[d] ="));
}

}  // namespace
}  // namespace lrurec
