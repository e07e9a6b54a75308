#include "lrurec/model/session.h"

#include <omp.h>

#include <cmath>

#include "lrurec/model/backbones.h"
#include "lrurec/model/lrurec.h"
#include "ops/ops.h"
#include "tests/support/parameters.h"
#include "tests/support/tensors.h"

namespace lrurec::model {
namespace {

using test::expect_error;
using test::max_difference;

constexpr std::int64_t items = 300;

LRURec make_model(DType real, ModelConfig config = {}) {
  config.num_items = items, config.hidden = 16, config.channels = 32;
  return LRURec(config, 3, real);
}

const std::vector<ModelConfig> variants{{},
                                        {.outer_gelu = true},
                                        {.layer_norm = false},
                                        {.residual = false},
                                        {.pffn = false},
                                        {.norm_first = true}};

std::vector<std::int64_t> history(std::int64_t length, std::int64_t user = 0) {
  std::vector<std::int64_t> ids;
  for (std::int64_t t = 0; t < length; ++t) ids.push_back(1 + (t * 37 + user * 101) % items);
  return ids;
}

Tensor full_pass(const LRURec& model, const std::vector<std::int64_t>& ids) {
  const NoGrad no_grad;
  return model.encode_last(Tensor::from(ids), Tensor::from(std::vector<std::int64_t>{0, std::ssize(ids)}))
      .value();
}

TEST(Session, StepsGiveWhatAFullPassGives) {
  for (const DType real : {DType::f64, DType::f32}) {
    for (const ModelConfig& variant : variants) {
      const LRURec model = make_model(real, variant);
      const IncrementalModel incremental(model);
      Session session(incremental);
      const auto ids = history(150);
      for (std::size_t t = 0; t < ids.size(); ++t) {
        session.observe(ids[t]);
        const Tensor whole =
            full_pass(model, {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(t) + 1});
        EXPECT_EQ(max_difference(session.hidden(), whole), 0) << "after " << t + 1 << " events";
      }
      EXPECT_EQ(session.events(), 150);
    }
  }
}

// Other recurrences in the LRU's place have a state of fixed size too. Their products, and those of gates,
// are OpenBLAS's, which rounds one row otherwise than many.
TEST(Session, StepsGiveWhatAFullPassGivesWithAnyBackbone) {
  std::vector<ModelConfig> configs{{.network = "swiglu", .gates = true},
                                   {.gates = true, .norm_first = true},
                                   {.backbone = "gated-lru", .norm_first = true},
                                   {.layer_norm = false, .norm_first = true}};
  for (const auto& backbone : backbones()) configs.push_back({.backbone = backbone.name});
  for (const auto& config : configs) {
    LRURec model = make_model(DType::f64, config);
    test::spread_parameters(model);
    const IncrementalModel incremental(model);
    constexpr std::int64_t users = 3;
    Tensor state = incremental.initial_state(users);
    std::vector<std::vector<std::int64_t>> past(users);
    for (std::int64_t t = 0; t < 40; ++t) {
      std::vector<std::int64_t> events;
      for (std::int64_t u = 0; u < users; ++u) {
        events.push_back(history(40, u)[static_cast<std::size_t>(t)]);
        past[static_cast<std::size_t>(u)].push_back(events.back());
      }
      const Tensor rows = incremental.step(Tensor::from(events), state);
      for (std::int64_t u = 0; u < users; ++u) {
        const Tensor whole = full_pass(model, past[static_cast<std::size_t>(u)]);
        EXPECT_LE(max_difference(rows.slice(0, u, u + 1).contiguous(), whole), 1e-12)
            << config.backbone << " after " << t + 1;
      }
    }
  }
}

TEST(Session, ManyUsersAtOnceAreThoseUsersOneByOne) {
  const LRURec model = make_model(DType::f32);
  const IncrementalModel incremental(model);
  constexpr std::int64_t users = 70;
  Tensor state = incremental.initial_state(users), hidden;
  for (std::int64_t t = 0; t < 5; ++t) {
    std::vector<std::int64_t> events;
    for (std::int64_t u = 0; u < users; ++u) events.push_back(history(5, u)[static_cast<std::size_t>(t)]);
    hidden = incremental.step(Tensor::from(events), state);
  }
  for (std::int64_t u = 0; u < users; ++u) {
    Session session(incremental);
    for (const auto item : history(5, u)) session.observe(item);
    EXPECT_EQ(max_difference(session.hidden(), hidden.slice(0, u, u + 1)), 0) << u;
    EXPECT_EQ(max_difference(session.state(), state.slice(1, u, u + 1)), 0) << u;
  }
}

TEST(Session, ContinuesFromASavedState) {
  const LRURec model = make_model(DType::f32);
  const IncrementalModel incremental(model);
  Session first(incremental), second(incremental), whole(incremental);
  const auto ids = history(9);
  for (const auto item : ids) whole.observe(item);
  for (std::size_t t = 0; t < 4; ++t) first.observe(ids[t]);
  second.set_state(first.state());
  for (std::size_t t = 4; t < 9; ++t) second.observe(ids[t]);
  EXPECT_EQ(max_difference(second.hidden(), whole.hidden()), 0);
  expect_error(ErrorKind::internal, "[session] state", [&] {
    second.set_state(Tensor::zeros({2, 2}, DType::c64));
  });
}

TEST(Session, RecommendsTheBestItemsThatAreNotExcluded) {
  const LRURec model = make_model(DType::f32);
  const IncrementalModel incremental(model);
  Session session(incremental);
  expect_error(ErrorKind::internal, "no event yet", [&] { session.recommend(3); });
  for (const auto item : history(6)) session.observe(item);
  const auto scores = model.predict(Variable(session.hidden())).value().to_vector<float>();
  const std::vector<std::int32_t> excluded{17, 3, 250, 3};
  std::vector<std::int64_t> expected;
  for (std::int64_t i = 1; i <= items; ++i) {
    if (i != 17 && i != 3 && i != 250) expected.push_back(i);
  }
  std::sort(expected.begin(), expected.end(), [&](auto a, auto b) {
    return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
  });
  const auto best = session.recommend(20, excluded);
  ASSERT_EQ(best.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(best[i].item, expected[i]);
    EXPECT_NEAR(best[i].score, scores[static_cast<std::size_t>(expected[i])], 1e-6);
  }
  EXPECT_EQ(session.recommend(1000, excluded).size(), static_cast<std::size_t>(items) - 3) << "all there are";
  EXPECT_TRUE(session.recommend(0).empty());
}

TEST(Session, RefusesItemsThatAreNotThere) {
  const LRURec model = make_model(DType::f32);
  const IncrementalModel incremental(model);
  Session session(incremental);
  for (const std::int64_t item : {std::int64_t{0}, std::int64_t{-1}, items + 1}) {
    expect_error(ErrorKind::internal, "is not in 1..300", [&] { session.observe(item); });
  }
  EXPECT_EQ(session.events(), 0);
}

// The list does not depend on how classes are shared among threads, and equal scores come in order of their
// number.
TEST(LinearTopK, HasAFixedOrderForAnyNumberOfThreads) {
  const std::int64_t C = 5000;
  std::vector<float> weight;
  for (std::int64_t c = 0; c < C; ++c) weight.push_back(static_cast<float>(c % 7));
  const ops::raw::ClassTable classes(Tensor::from(weight, {C, 1}), Tensor::zeros({C}, DType::f32));
  const Tensor x = Tensor::from(std::vector<float>{1, -1}, {2, 1});
  const ops::raw::ExcludedClasses excluded{Tensor::from(std::vector<std::int64_t>{0, 1, 2}),
                                           Tensor::from(std::vector<std::int64_t>{13, 0})};
  const int threads = omp_get_max_threads();
  for (const int n : {1, 2, 5}) {
    omp_set_num_threads(n);
    const auto best = ops::raw::linear_top_k(x, classes, 4, excluded);
    EXPECT_EQ(best.indices.to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{6, 20, 27, 34, 7, 14, 21, 28}));
  }
  omp_set_num_threads(threads);
}

TEST(LinearTopK, AScoreThatIsNotFiniteIsAnError) {
  Tensor weight = Tensor::zeros({300, 2}, DType::f32);
  weight.data<float>()[2 * 299] = NAN;
  const ops::raw::ClassTable classes(weight, Tensor::zeros({300}, DType::f32));
  expect_error(ErrorKind::non_finite, "not finite", [&] {
    ops::raw::linear_top_k(Tensor::full({1, 2}, 1, DType::f32), classes, 3,
                           {Tensor::from(std::vector<std::int64_t>{0, 0}), Tensor::empty({0}, DType::i64)});
  });
}

}  // namespace
}  // namespace lrurec::model
