#include "lrurec/sweep/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "tests/support/files.h"

namespace lrurec::sweep {
namespace {

TEST(Schedule, KeepsToJobs) {
  Schedule schedule({1, 1, 1}, 2, 100);
  EXPECT_EQ(schedule.start(), 0U);
  EXPECT_EQ(schedule.start(), 1U);
  EXPECT_FALSE(schedule.start());
  schedule.finish(0);
  EXPECT_EQ(schedule.start(), 2U);
  EXPECT_EQ(schedule.at_work(), 2);
  schedule.finish(1);
  schedule.finish(2);
  EXPECT_FALSE(schedule.start());
}

TEST(Schedule, KeepsToMemoryAndLetsSmallOnesPass) {
  Schedule schedule({6, 7, 3, 10}, 8, 10);
  EXPECT_EQ(schedule.start(), 0U);
  EXPECT_EQ(schedule.start(), 2U) << "the second would make 13";
  EXPECT_FALSE(schedule.start());
  schedule.finish(0);
  EXPECT_EQ(schedule.start(), 1U);
  EXPECT_FALSE(schedule.start());
  schedule.finish(2);
  EXPECT_FALSE(schedule.start());
  schedule.finish(1);
  EXPECT_EQ(schedule.start(), 3U) << "all of the limit, alone";
}

TEST(Schedule, SaysHowManyFit) {
  EXPECT_EQ(most_at_once({4, 4, 4}, 8, 9), 2);
  EXPECT_EQ(most_at_once({4, 4, 4}, 1, 100), 1);
  EXPECT_EQ(most_at_once({9, 2, 3}, 8, 10), 2) << "the small ones together";
  EXPECT_EQ(most_at_once({9, 8}, 8, 10), 1);
  EXPECT_EQ(most_at_once({}, 8, 10), 0);
}

// Measured: 49 MB after the steps, hidden 16, 2,450 of 5,000 items a target; it took 144 MB.
TEST(Schedule, SampledValidationCountsForMore) {
  EXPECT_GT(run_memory(26e6, 0.1e6, {.sampled_evaluation = true}), 144e6);
  EXPECT_GT(run_memory(1e6, 1e6, {.averaged = true}), run_memory(1e6, 1e6));
}

TEST(Schedule, ARunCountsForMoreThanItTakesButNotForTwiceThat) {
  // Measured: peak after the steps of train --dry-run, numbers in all parameters, peak of a run that
  // validated and saved. From a width of 64 to one of 1024, among 300 and 100,000 items.
  struct Measured {
    double after_steps, parameters, run;
  };
  for (const auto& m :
       {Measured{169e6, 6.63e6, 304e6}, Measured{643e6, 27.02e6, 1126e6}, Measured{125e6, 6.63e6, 261e6},
        Measured{192e6, 6.46e6, 362e6}, Measured{575e6, 25.51e6, 938e6}, Measured{976e6, 56.03e6, 2086e6},
        Measured{716e6, 33.91e6, 1251e6}, Measured{69e6, 0.15e6, 102e6}}) {
    EXPECT_GT(run_memory(m.after_steps, m.parameters), m.run) << m.run;
    EXPECT_LT(run_memory(m.after_steps, m.parameters), 2 * m.run) << m.run;
  }
}

// The table of docs/sweep.md has what its peaks and parameters count for.
TEST(Schedule, TheDocumentedRunsCountForWhatIsWritten) {
  const std::string page = test::read_text(test::source_folder() / "docs/sweep.md");
  const std::regex row(R"(\| ([\d.]+) M \| (\d+) MB \| (\d+) MB \| (\d+) MB \|)");
  int rows = 0;
  for (std::sregex_iterator found(page.begin(), page.end(), row), end; found != end; ++found, ++rows) {
    const auto number = [&](std::size_t i) { return 1e6 * std::stod((*found)[i]); };
    EXPECT_EQ(std::round(run_memory(number(2), number(1)) / 1e6) * 1e6, number(3)) << found->str();
    EXPECT_GT(number(3), number(4)) << found->str();
  }
  EXPECT_EQ(rows, 4);
}

TEST(Schedule, KnowsTheMachinesMemory) { EXPECT_GT(available_memory(), 1e6); }

}  // namespace
}  // namespace lrurec::sweep
