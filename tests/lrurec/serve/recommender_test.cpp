#include "lrurec/serve/recommender.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "lrurec/eval/evaluate.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/session_store.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/tensor_record.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::serve {
namespace {

using test::expect_error;
using test::TemporaryFolder;

constexpr std::int64_t length = 6;

model::LRURec make_model(const data::Dataset& data) {
  return model::LRURec({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
}

Request for_target(const data::Dataset& data, std::int64_t user, eval::Mask mask) {
  const auto history = data.history(user, data::Split::test);
  const auto masked = eval::masked_items(data, user, data::Split::test, mask, length);
  return {{history.begin(), history.end()}, {masked.begin(), masked.end()}, data.items()};
}

// Both use one scoring path: the target's place in a recommendation is its rank in an evaluation.
TEST(Recommender, HasTheRanksOfAnEvaluation) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  const Recommender recommender(model, length);
  const auto users = data.evaluated_users(data::Split::test);
  for (const auto mask : {eval::Mask::none, eval::Mask::window, eval::Mask::all}) {
    eval::EvaluateOptions options{.split = data::Split::test, .max_length = length};
    options.mask = mask;
    const auto ranks = eval::evaluate(data, model, options).ranks;
    std::vector<Request> requests;
    for (const auto user : users) requests.push_back(for_target(data, user, mask));
    const auto lists = recommender.recommend(requests);
    ASSERT_EQ(lists.size(), ranks.size());
    for (std::size_t i = 0; i < users.size(); ++i) {
      const auto target = data.target(users[i], data::Split::test);
      const auto at = std::find_if(lists[i].begin(), lists[i].end(),
                                   [&](const Recommendation& r) { return r.item == target; });
      if (ranks[i] == eval::Metrics::never) {
        EXPECT_EQ(at, lists[i].end());
      } else {
        EXPECT_EQ(at - lists[i].begin() + 1, ranks[i]) << "user " << users[i];
      }
    }
  }
}

TEST(Recommender, ABatchIsItsRequestsOneByOne) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  const Recommender recommender(model, length);
  std::vector<Request> requests;
  for (const auto user : data.evaluated_users(data::Split::test)) {
    requests.push_back(for_target(data, user, eval::Mask::all));
    requests.back().k = 1 + user % 7;
  }
  requests.push_back({{}, {}, 3});
  requests.push_back({{1, 2}, {}, data.items()});
  requests.push_back({{1, 2}, {}, 2});
  const auto together = recommender.recommend(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone = recommender.recommend({&requests[i], 1})[0];
    ASSERT_EQ(alone.size(), together[i].size());
    EXPECT_EQ(std::ssize(alone), requests[i].k);
    for (std::size_t r = 0; r < alone.size(); ++r) {
      EXPECT_EQ(alone[r].item, together[i][r].item);
      EXPECT_EQ(alone[r].score, together[i][r].score);
    }
  }
}

TEST(Recommender, LeavesOutWhatIsExcludedEvenIfLittleIsLeft) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  Request request{{1, 2, 3}, {}, 10};
  for (std::int32_t item = 1; item <= data.items(); ++item) {
    if (item != 7 && item != 9) request.excluded.push_back(item);
  }
  request.excluded.push_back(5);  // twice
  const auto list = Recommender(model, length).recommend({&request, 1})[0];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].item + list[1].item, 16);
  EXPECT_GE(list[0].score, list[1].score);
  request.excluded = {data.items() < INT32_MAX ? static_cast<std::int32_t>(data.items() + 1) : 0};
  expect_error(ErrorKind::internal, "is not in 1..", [&] {
    Recommender(model, length).recommend({&request, 1});
  });
}

TEST(Catalogue, KnowsRawIdsAndReportsOthers) {
  const data::Dataset data = test::make_dataset({{1, 2, 3}, {3, 1, 2}});
  const Catalogue catalogue(data);
  EXPECT_EQ(catalogue.item("item2"), 2);
  EXPECT_EQ(catalogue.user("user2"), 1);
  EXPECT_FALSE(catalogue.item("2").has_value());
  std::vector<std::string> unknown;
  EXPECT_EQ(catalogue.items({"item3", "x", "item1", "y"}, unknown), (std::vector<std::int32_t>{3, 1}));
  EXPECT_EQ(unknown, (std::vector<std::string>{"x", "y"}));
}

TEST(SessionStore, IsTheRecommenderEventByEventAndAcrossAFile) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  const model::IncrementalModel incremental(model);
  const Recommender recommender(model, /*max_length=*/100);
  const TemporaryFolder folder;
  auto store = std::make_unique<SessionStore>(incremental, "weights", /*exclude_seen=*/true);
  Request request{{}, {}, 5};
  for (std::int32_t t = 0; t < 12; ++t) {
    if (t == 6) {
      store->save(folder / "states");
      store = std::make_unique<SessionStore>(incremental, "weights", true);
      store->load(folder / "states");
      EXPECT_EQ(store->users(), 2U);
    }
    const std::int32_t item = 1 + t * 7 % static_cast<std::int32_t>(data.items());
    request.history.push_back(item);
    request.excluded.push_back(item);
    store->observe("a", item);
    store->observe("b", 1);
    const auto expected = recommender.recommend({&request, 1})[0];
    const auto found = store->recommend("a", 5);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].item, expected[i].item) << "after " << t + 1 << " events";
      EXPECT_EQ(found[i].score, expected[i].score);
    }
    EXPECT_EQ(store->events("a"), t + 1);
  }
  EXPECT_EQ(store->events("nobody"), 0);
}

TEST(SessionStore, RefusesStatesOfOtherWeights) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  const model::IncrementalModel incremental(model);
  const TemporaryFolder folder;
  SessionStore store(incremental, "weights", /*exclude_seen=*/false);
  store.observe("a", 1);
  store.save(folder / "states");
  expect_error(ErrorKind::file, "made with other weights",
               [&] { SessionStore(incremental, "others", false).load(folder / "states"); });
  // What is kept does not depend on what is left out of the answers now.
  SessionStore(incremental, "weights", /*exclude_seen=*/true).load(folder / "states");
  test::write_text(folder / "damaged", "not a file of states");
  expect_error(ErrorKind::file, "damaged",
               [&] { SessionStore(incremental, "weights", false).load(folder / "damaged"); });
}

/// What stands in a file of sessions.
struct SavedUser {
  std::int64_t events = 0;
  std::vector<std::int32_t> seen;
  nn::TensorRecord state;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(events, seen, state);
  }
};
struct SavedSessions {
  std::string fingerprint;
  bool has_seen = false;
  std::map<std::string, SavedUser> users;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(fingerprint, has_seen, users);
  }
};

// Regression: with other settings the same weights give other states, and saved states went on under them.
TEST(SessionStore, RefusesStatesOfOtherSettings) {
  const data::Dataset data = test::small_demo();
  const model::ModelConfig config{.num_items = data.items(), .hidden = 8, .channels = 12};
  const model::LRURec model(config, 3);
  const model::IncrementalModel incremental(model);
  const TemporaryFolder folder;
  SessionStore store(incremental, "weights", /*exclude_seen=*/false);
  store.observe("a", 1);
  store.save(folder / "states");
  const auto load_with = [&](const auto& change, const std::filesystem::path& states) {
    model::ModelConfig other = config;
    change(other);
    const model::LRURec of_other(other, 3);
    const model::IncrementalModel steps(of_other);
    SessionStore(steps, "weights", false).load(states);
  };
  const auto no_residual = [](model::ModelConfig& other) { other.residual = false; };
  expect_error(ErrorKind::file, "other settings", [&] { load_with(no_residual, folder / "states"); });
  expect_error(ErrorKind::file, "other settings", [&] {
    load_with([](model::ModelConfig& other) { other.layer_norm_eps = 1e-7; }, folder / "states");
  });
  EXPECT_NO_THROW(load_with([](model::ModelConfig& other) { other.dropout = 0.7; }, folder / "states"))
      << "of training alone";
  // Files of version 1 know only the weights.
  auto old = nn::from_bytes<SavedSessions>(nn::read_envelope(folder / "states", "sessions", 2), "states");
  old.fingerprint = "weights";
  nn::write_envelope(folder / "old", "sessions", 1, nn::to_bytes(old));
  EXPECT_NO_THROW(load_with(no_residual, folder / "old"));
}

// Events that fail together change no state, and what is saved then can be read again.
TEST(SessionStore, AFailedEventLeavesNothingHalfDone) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  const model::IncrementalModel incremental(model);
  const TemporaryFolder folder;
  SessionStore store(incremental, "weights", /*exclude_seen=*/true);
  store.observe("a", 1);
  const auto none = static_cast<std::int32_t>(data.items() + 1);
  const std::vector<Event> events{{"a", 2, 0, 3}, {"b", 3, 0, 3}, {"c", none, 0, 3}};
  EXPECT_THROW(store.take(events), Error);
  EXPECT_EQ(store.events("a"), 1);
  EXPECT_EQ(store.events("b"), 0);
  store.save(folder / "states");
  SessionStore again(incremental, "weights", true);
  again.load(folder / "states");
  EXPECT_EQ(again.users(), 1U);
  store.observe("a", 2);
  again.observe("a", 2);
  EXPECT_EQ(again.recommend("a", 1)[0].score, store.recommend("a", 1)[0].score);
}

TEST(SessionStore, RefusesStatesThatAreDamagedInside) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = make_model(data);
  const model::IncrementalModel incremental(model);
  const TemporaryFolder folder;
  SessionStore store(incremental, "weights", /*exclude_seen=*/true);
  store.observe("a", 1);
  store.observe("a", 3);
  store.save(folder / "states");
  const auto good = nn::from_bytes<SavedSessions>(nn::read_envelope(folder / "states", "sessions", 2),
                                                  "the file of states");
  const auto refused = [&](auto change) {
    SavedSessions bad = good;
    change(bad.users.at("a"));
    nn::write_envelope(folder / "bad", "sessions", 2, nn::to_bytes(bad));
    SessionStore other(incremental, "weights", true);
    expect_error(ErrorKind::file, "", [&] { other.load(folder / "bad"); });
    EXPECT_EQ(other.users(), 0U);
  };
  for (const float broken :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    refused([&](SavedUser& user) { std::memcpy(user.state.bytes.data() + 8, &broken, sizeof(broken)); });
  }
  refused([](SavedUser& user) { user.state.shape[2] = 1; });
  refused([](SavedUser& user) { user.state.bytes.pop_back(); });
  refused([](SavedUser& user) { user.events = 0; });
  refused([](SavedUser& user) { user.events = INT64_MIN; });
  refused([](SavedUser& user) { user.events = INT64_MAX; });
  refused([](SavedUser& user) { user.seen = {3, 1}; });
  refused([](SavedUser& user) { user.seen = {1, 1}; });
  refused([](SavedUser& user) { user.seen = {0}; });
  refused([](SavedUser& user) { user.seen = {INT32_MAX}; });

  // States of a version that kept the items seen only where they were left out.
  SavedSessions without = good;
  without.has_seen = false;
  nn::write_envelope(folder / "without", "sessions", 2, nn::to_bytes(without));
  expect_error(ErrorKind::file, "--include-seen",
               [&] { SessionStore(incremental, "weights", true).load(folder / "without"); });
  EXPECT_NO_THROW(SessionStore(incremental, "weights", false).load(folder / "without"));
}

}  // namespace
}  // namespace lrurec::serve
