// Replays inputs that fuzzers found worth keeping, and those that once showed a mistake.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fuzz/targets.h"
#include "tests/support/files.h"

namespace lrurec::fuzz {
namespace {

class FuzzCorpus : public testing::TestWithParam<std::size_t> {};

TEST_P(FuzzCorpus, IsReadWithoutAFinding) {
  const Target& target = targets()[GetParam()];
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::source_folder() / "tests/fuzz/corpus" / target.name)) {
    SCOPED_TRACE(entry.path().filename().string());
    const auto bytes = test::read_bytes(entry.path());
    target.run({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    ++count;
  }
  EXPECT_GT(count, 3U) << target.name << ": is the corpus there?";
}

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpus, testing::Range<std::size_t>(0, targets().size()),
                         [](const auto& test) { return std::string(targets()[test.param].name); });

}  // namespace
}  // namespace lrurec::fuzz
