// What holds for every model of the table.

#include "lrurec/model/models.h"

#include <algorithm>

#include "lrurec/check/gradients.h"
#include "lrurec/config/config.h"
#include "lrurec/data/batches.h"
#include "lrurec/model/backbones.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/model/session.h"
#include "ops/ops.h"
#include "tests/support/data.h"
#include "tests/support/parameters.h"
#include "tests/support/tensors.h"

namespace lrurec::model {
namespace {

using data::ExampleKind;
using test::max_difference;
using Ids = std::vector<std::int64_t>;

class Models : public testing::TestWithParam<const ModelInfo*> {
 protected:
  const ModelInfo& info() const { return *GetParam(); }
  bool has(const std::string& setting) const {
    return std::ranges::find(info().settings, setting) != info().settings.end();
  }
  ModelConfig config(double dropout = 0) const {
    return {.model = info().name,
            .num_items = data_.items(),
            .num_users = data_.users(),
            .max_length = 8,
            .hidden = 8,
            .channels = 12,
            .dropout = dropout,
            .final_dropout = dropout};
  }
  std::unique_ptr<Model> make(double dropout = 0, DType real = DType::f64) const {
    auto model = make_model(config(dropout), 2, real);
    test::spread_parameters(*model);
    return model;
  }
  data::BatchTensors batch() const {
    data::Batcher batcher(data_, {info().examples, 8, 0.4}, 16, 1);
    return data::to_tensors(batcher.batch(0, 0), Device{});
  }
  /// The rows of some users' histories.
  static Tensor user_rows(const Model& model, const std::vector<Ids>& histories, const Ids& users) {
    Ids items, offsets{0};
    for (const auto& history : histories) {
      items.insert(items.end(), history.begin(), history.end());
      offsets.push_back(std::ssize(items));
    }
    return model.user_rows({Tensor::from(items), Tensor::from(offsets), {}, Tensor::from(users), {}}).value();
  }

  const data::Dataset data_ = test::small_demo();
};

TEST_P(Models, TheFusedLossIsTheComposition) {
  const auto model = make(has("dropout") ? 0.3 : 0);
  const nn::ForwardContext context{true, 5, 9};
  const auto examples = batch();
  const auto gradients = [&](const Variable& loss) {
    model->zero_grad();
    loss.backward();
    std::map<std::string, Tensor> all;
    for (const auto& p : model->named_parameters()) all.emplace(p.name, p.variable.grad());
    return all;
  };
  for (const double smoothing : {0.0, 0.2}) {
    const Variable fused = model->loss(examples, context, {}, smoothing),
                   composed = model->loss_composed(examples, context, smoothing);
    EXPECT_LE(max_difference(fused.value(), composed.value()), 1e-13);
    const auto from_fused = gradients(fused), from_composed = gradients(composed);
    for (const auto& [name, gradient] : from_composed) {
      ASSERT_TRUE(gradient.defined()) << name << " takes no part in the loss";
      EXPECT_LE(max_difference(gradient, from_fused.at(name)), 1e-13) << name;
    }
  }
}

TEST_P(Models, HasTheParametersThatTheTableSays) {
  EXPECT_EQ(static_cast<double>(real_parameters(*make())), info().real_parameters(config()));
  const model::Work some{10, 100, 10}, more{20, 200, 20};
  EXPECT_EQ(info().forward_flop(config(), {0, 0, 0}), 0);
  EXPECT_EQ(info().forward_flop(config(), more), 2 * info().forward_flop(config(), some))
      << "it is linear in the work";
}

TEST_P(Models, ACopyGivesTheSameRows) {
  const auto model = make(), copy = model->clone();
  const std::vector<Ids> histories{{3, 1, 4}, {2, 7}};
  EXPECT_EQ(max_difference(user_rows(*model, histories, {1, 2}), user_rows(*copy, histories, {1, 2})), 0);
}

TEST_P(Models, SaysWhetherItCanRankForSomebodyElse) {
  const auto model = make();
  const auto rank = [&] { user_rows(*model, {{3, 1, 4}}, {0}); };
  if (info().needs_users) {
    test::expect_error(ErrorKind::usage, "knows no others", rank);
  } else {
    EXPECT_NO_THROW(rank());
  }
}

TEST_P(Models, SequencesDoNotSeeEachOther) {
  const auto model = make();
  const std::vector<Ids> histories{{3, 1, 4, 1, 5}, {2}, {7, 8, 9}};
  const Ids users{1, 2, 3};
  const Tensor together = user_rows(*model, histories, users);
  for (std::size_t s = 0; s < histories.size(); ++s) {
    const Tensor alone = user_rows(*model, {histories[s]}, {users[s]});
    EXPECT_LE(max_difference(
                  together.slice(0, static_cast<std::int64_t>(s), static_cast<std::int64_t>(s) + 1), alone),
              1e-13)
        << s;
  }
}

// One pass over all positions gives the same rows as all prefixes one by one, which is why training takes
// them together. An item changes nothing before it.
TEST_P(Models, EveryPositionOfAWindowIsItsPrefix) {
  if (info().examples != ExampleKind::windows) GTEST_SKIP() << "it is not trained on windows";
  const auto model = make();
  const NoGrad no_grad;
  const Ids items{3, 1, 4, 1, 5, 9, 2};
  const auto rows = [&](const Ids& sequence) {
    const Tensor ends = Tensor::from(Ids{0, std::ssize(sequence)});
    return model->training_rows({Tensor::from(sequence), ends, {}, Tensor::from(Ids{1}), {}}, {}).value();
  };
  const Tensor all = rows(items);
  for (std::int64_t n = 1; n <= std::ssize(items); ++n) {
    const Tensor prefix = user_rows(*model, {Ids(items.begin(), items.begin() + n)}, {1});
    EXPECT_LE(max_difference(all.slice(0, n - 1, n), prefix), 1e-13) << n << " items";
  }
  for (std::int64_t changed = 0; changed < std::ssize(items); ++changed) {
    Ids other = items;
    other[static_cast<std::size_t>(changed)] = 8;
    const Tensor after = rows(other);
    EXPECT_EQ(max_difference(after.slice(0, 0, changed), all.slice(0, 0, changed)), 0) << changed;
    EXPECT_GT(max_difference(after.slice(0, changed, changed + 1), all.slice(0, changed, changed + 1)), 1e-6);
  }
}

TEST_P(Models, StepsGiveWhatAFullPassGives) {
  const auto model = make();
  if (!info().has_state) {
    test::expect_error(ErrorKind::usage, "no sessions", [&] { IncrementalModel{*model}; });
    return;
  }
  const IncrementalModel incremental(*model);
  const std::vector<Ids> histories{{3, 1, 4, 1, 5, 9}, {2, 7, 1, 8, 2, 8}};
  const Ids users{5, 0};  // one of the data set, and somebody else
  Tensor state = incremental.initial_state(Tensor::from(users));
  for (std::size_t t = 0; t < histories[0].size(); ++t) {
    const Tensor row = incremental.step(Tensor::from(Ids{histories[0][t], histories[1][t]}), state);
    const auto until = static_cast<std::ptrdiff_t>(t) + 1;
    const Tensor whole = user_rows(*model,
                                   {Ids(histories[0].begin(), histories[0].begin() + until),
                                    Ids(histories[1].begin(), histories[1].begin() + until)},
                                   users);
    EXPECT_LE(max_difference(row, whole), 1e-13) << "after " << t + 1;
  }
}

std::string name_of(const testing::TestParamInfo<const ModelInfo*>& info) {
  std::string name;
  for (const char c : info.param->title) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Models, testing::ValuesIn(models()), name_of);

// The backbones of LRURec: numbers as the table says, causal, all parameters used.
TEST(Backbones, AreWhatTheTableSays) {
  for (const auto& backbone : backbones()) {
    const ModelConfig config{
        .num_items = 9, .hidden = 4, .channels = 6, .dropout = 0, .backbone = backbone.name};
    LRURec model(config, 1, DType::f64);
    double numbers = 0;
    for (const auto& p : model.named_parameters()) {
      numbers += static_cast<double>(p.variable.shape().numel()) * (is_complex(p.variable.dtype()) ? 2 : 1);
    }
    EXPECT_EQ(find_model("lrurec").real_parameters(config), numbers) << backbone.name;
    test::spread_parameters(model);
    const auto encode = [&](const Ids& items) {
      return model.encode(Tensor::from(items), Tensor::from(Ids{0, std::ssize(items)}));
    };
    const Variable whole = encode({3, 1, 4, 1, 5}), other = encode({3, 1, 4, 2, 5});
    EXPECT_EQ(
        max_difference(whole.value().slice(0, 0, 3).contiguous(), other.value().slice(0, 0, 3).contiguous()),
        0);
    EXPECT_GT(
        max_difference(whole.value().slice(0, 4, 5).contiguous(), other.value().slice(0, 4, 5).contiguous()),
        0);  // the same bits where nothing of the token before comes through
    const Variable loss = ops::sum(whole * whole * whole, {0, 1});
    loss.backward();
    for (const auto& p : model.named_parameters()) {
      if (p.name == "bias" || p.name == "blocks.1.feed_forward_layer_norm.bias") continue;
      EXPECT_TRUE(p.variable.grad().defined()) << backbone.name << " " << p.name;
    }
  }
  test::expect_error(ErrorKind::usage, "did you mean 'rwkv'", [] { backbone("rwvk"); });
}

TEST(ModelTable, NamesDifferAndAreFound) {
  auto names = model_names();
  for (const auto& name : names) EXPECT_EQ(find_model(name).name, name);
  std::ranges::sort(names);
  EXPECT_TRUE(std::ranges::adjacent_find(names) == names.end());
  test::expect_error(ErrorKind::usage, "did you mean 'sasrec'", [] { find_model("sasrek"); });
}

// A bidirectional model sees what comes after: it cannot be trained on windows, whose labels it would read.
TEST(Bert4Rec, SeesBothSides) {
  const NoGrad no_grad;
  const auto model =
      make_model({.model = "bert4rec", .num_items = 9, .max_length = 8, .hidden = 8}, 1, DType::f64);
  const auto row_of_mask = [&](const Ids& items) {
    const Tensor ends = Tensor::from(Ids{0, std::ssize(items)});
    return model->training_rows({Tensor::from(items), ends, {}, {}, Tensor::from(Ids{1})}, {}).value();
  };
  EXPECT_GT(max_difference(row_of_mask({3, 10, 4}), row_of_mask({3, 10, 5})), 0);
}

// Regression: users of equal length were all ranked from a place that no training had reached.
TEST(ModelPlaces, SASRecOfXlongIsTrainedAtThePlaceItRanksFrom) {
  auto settings = config::preset("xlong", "sasrec");
  settings.max_length = 12;
  settings.hidden = 8;
  const auto data =
      data::make_demo({.users = 20, .items = 40, .mean_length = 8, .equal_lengths = true, .classes = 4});
  const auto model = make_model(settings.model_config(data.items(), data.users()), 1);
  data::Batcher batcher(data, settings.examples(), data.users(), 1);
  model->loss(data::to_tensors(batcher.batch(0, 0), Device{}), {}).backward();
  for (const auto& p : model->named_parameters()) {
    if (p.name != "positions.weight") continue;
    const auto trained = [&](std::int64_t place) {
      return max_difference(p.variable.grad().slice(0, place, place + 1), Tensor::zeros({1, 8})) > 0;
    };
    EXPECT_TRUE(trained(11)) << "from the end the last item always has the last place";
    // Of six training items, five have the item that comes next as label.
    EXPECT_TRUE(trained(7));
    EXPECT_FALSE(trained(6));
  }
}

// A history of n items has the last n places instead of the first. With the position vectors moved there, the
// results are the same.
TEST(ModelPlaces, AreCountedFromTheStartOrFromTheEnd) {
  const NoGrad no_grad;
  constexpr std::int64_t L = 6;
  for (const std::string name : {"sasrec", "bert4rec"}) {
    const auto make = [&](const std::string& from) {
      return make_model({.model = name, .num_items = 9, .max_length = L, .hidden = 8, .positions_from = from},
                        1, DType::f64);
    };
    const auto from_start = make("start"), from_end = make("end");
    const auto row = [](const Model& model, const Ids& items) {
      const Tensor ends = Tensor::from(Ids{0, std::ssize(items)});
      return model.user_rows({Tensor::from(items), ends, {}, Tensor::from(Ids{0}), {}}).value();
    };
    const Ids three{3, 1, 4}, all{3, 1, 4, 1, 5, 9};
    EXPECT_GT(max_difference(row(*from_start, three), row(*from_end, three)), 1e-6) << name;
    const Ids whole(all.begin(), all.begin() + from_start->input_length(L));
    EXPECT_EQ(max_difference(row(*from_start, whole), row(*from_end, whole)), 0)
        << name << ": no place is free";

    const std::int64_t n = std::ssize(three) + L - from_start->input_length(L);  // with the mask
    for (auto& p : from_end->named_parameters()) {
      if (p.name != "positions.weight") continue;
      const Tensor moved = Tensor::zeros({L, 8}, DType::f64);
      moved.slice(0, L - n, L).copy_(p.variable.value().slice(0, 0, n));
      p.variable.set_value(moved);
    }
    EXPECT_EQ(max_difference(row(*from_start, three), row(*from_end, three)), 0) << name;
  }
}

TEST(FMLPRec, RefusesMoreItemsThanItHasPlaces) {
  const auto model =
      make_model({.model = "fmlp-rec", .num_items = 9, .max_length = 3, .hidden = 4, .blocks = 1}, 1);
  test::expect_error(ErrorKind::internal, "sequence 1 has 4 items, more than the 3 places", [&] {
    model->user_rows(
        {Tensor::from(Ids{1, 2, 1, 2, 3, 4}), Tensor::from(Ids{0, 2, 6}), {}, Tensor::from(Ids{1, 2}), {}});
  });
}

TEST(FPMC, RowsStayWhatTheyWere) {
  const auto model = make_model({.model = "fpmc", .num_items = 9, .num_users = 2, .hidden = 4}, 1);
  const Tensor state = model->initial_state(Tensor::from(Ids{1}));
  const Tensor row = model->step(Tensor::from(Ids{3}), state), before = row.clone();
  model->step(Tensor::from(Ids{4}), state);
  EXPECT_EQ(max_difference(row, before), 0);
}

TEST(FISM, ItemsTwiceAreCountedTwice) {
  const auto model = make_model({.model = "fism", .num_items = 9, .hidden = 4, .alpha = 1}, 1, DType::f64);
  const NoGrad no_grad;
  const auto row = [&](const Ids& items) {
    const Tensor ends = Tensor::from(Ids{0, std::ssize(items)});
    return model->user_rows({Tensor::from(items), ends, {}, Tensor::from(Ids{0}), {}}).value();
  };
  EXPECT_LE(max_difference(row({3, 3}), row({3})), 1e-15) << "with alpha = 1 the mean";
  EXPECT_EQ(model->input_length(2), INT64_MAX) << "the whole history, whatever L is";
}

// In neither model has training seen the start token, which stands for an empty history.
TEST(Models, AnEmptyHistoryIsNotTheVectorThatNobodyTrained) {
  for (const auto& [name, table] : {std::pair{"fism", "history.weight"}, {"bert4rec", "embedding.weight"}}) {
    const auto model =
        make_model({.model = name, .num_items = 9, .max_length = 5, .hidden = 4, .blocks = 1, .heads = 2}, 1,
                   DType::f64);
    const NoGrad no_grad;
    const auto row = [&] {
      return model->user_rows({Tensor::from(Ids{0}), Tensor::from(Ids{0, 1}), {}, Tensor::from(Ids{0}), {}})
          .value()
          .clone();
    };
    const Tensor before = row();
    for (auto& p : model->named_parameters()) {
      if (p.name != table) continue;
      const Tensor changed = p.variable.value().clone();
      changed.select(0, 0).copy_(Tensor::full({4}, 3.0, DType::f64));
      p.variable.set_value(changed);
    }
    EXPECT_EQ(max_difference(row(), before), 0) << name;
  }
}

}  // namespace
}  // namespace lrurec::model
