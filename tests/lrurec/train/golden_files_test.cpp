// Files that earlier versions wrote are read to the bit (tests/fixtures/golden).

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "lrurec/serve/session_store.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/train/trainer.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tests/support/files.h"

namespace lrurec::train {
namespace {

std::filesystem::path golden(const char* name) {
  return test::source_folder() / "tests/fixtures/golden" / name;
}

template <class T>
std::string fingerprint(const T& value) {
  return nn::fingerprint(nn::to_bytes(value));
}

TEST(GoldenFiles, ADataSet) {
  const data::Dataset data = data::Dataset::load(golden("data-v2.lrd"));
  EXPECT_EQ(data.fingerprint(), "95d0aa7804b86f921e20ff455346b5c1");
  EXPECT_EQ(data.users(), 8);
  EXPECT_EQ(data.items(), 32);
}

TEST(GoldenFiles, ADataSetWithTitles) {
  const data::Dataset data = data::Dataset::load(golden("data-v3.lrd"));
  EXPECT_EQ(data.items(), 3);
  EXPECT_EQ(data.item_title(1),
            "Ami\xC3\xA9"
            "e (1995)");
  EXPECT_EQ(data.item_title(2), "");
  EXPECT_EQ(data.item_title(3), "C");
}

TEST(GoldenFiles, ACheckpointOfAnEarlierVersionIsResumed) {
  const Checkpoint checkpoint = Checkpoint::load(golden("run-v1.ckpt"));
  EXPECT_EQ(fingerprint(checkpoint.parameters), "25a2b1494eea68415d99576b7bc01cbe");
  EXPECT_EQ(fingerprint(checkpoint.optimizer), "188f0e9b8bd205781229e9b7d6331fbd");
  EXPECT_EQ(checkpoint.progress.step, 3);
  EXPECT_EQ(checkpoint.progress.best_step, 0);
  EXPECT_EQ(checkpoint.progress.best_recall, 0.625);
  EXPECT_EQ(checkpoint.progress.best_regular_recall, 0.625) << "version 1 has one number for both";
  EXPECT_EQ(checkpoint.progress.best_ndcg, 1) << "version 3 has none";
  EXPECT_EQ(checkpoint.progress.finished, "all 3 steps done");

  const data::Dataset data = data::Dataset::load(golden("data-v2.lrd"));
  config::TrainConfig config = checkpoint.parse_config("golden");
  config.max_steps = 5;
  const test::TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer trainer(config, data, run);
  trainer.resume(checkpoint, "golden");
  EXPECT_EQ(trainer.run().step, 5);
}

TEST(GoldenFiles, StatesOfASession) {
  const auto model = load_model(Checkpoint::load(golden("run-v1.ckpt")), "golden");
  const model::IncrementalModel incremental(*model);
  serve::SessionStore store(incremental, "9d07e02c168d91e31fb2fe91c17f9a96", /*exclude_seen=*/true);
  store.load(golden("sessions-v1"));
  EXPECT_EQ(store.users(), 1U);
  EXPECT_EQ(store.events("a"), 2);
  const test::TemporaryFolder folder;
  store.save(folder / "again");
  // Version 2 has the settings behind the fingerprint, and the same states.
  const auto old = nn::read_envelope(golden("sessions-v1"), "sessions", 1),
             again = nn::read_envelope(folder / "again", "sessions", 2);
  constexpr std::size_t fingerprint_and_size = 40;
  const auto states = std::span(old).subspan(fingerprint_and_size);
  EXPECT_TRUE(std::ranges::equal(std::span(again).last(states.size()), states)) << "to the bit";
  serve::SessionStore next(incremental, "9d07e02c168d91e31fb2fe91c17f9a96", true);
  EXPECT_NO_THROW(next.load(folder / "again"));
}

}  // namespace
}  // namespace lrurec::train
