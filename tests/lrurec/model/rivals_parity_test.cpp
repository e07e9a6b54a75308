// The eight rivals beside implementations of their equations that share no code with these
// (tools/reference/rivals_reference.py): scores, loss and every gradient, in double precision.

#include "lrurec/model/models.h"
#include "nn/serialization/safetensors.h"
#include "ops/ops.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::model {
namespace {

using test::max_difference;
using Ids = std::vector<std::int64_t>;

constexpr std::int64_t catalogue = 7, length = 5;
const std::vector<Ids> histories{{3, 1, 4, 1}, {5}, {2, 7, 6}};
const Ids users{1, 2, 3}, targets{5, 2, 1};

/// The histories, each with its target as the label of its end, as a batch of the model's examples.
data::BatchTensors batch_of(data::ExampleKind kind) {
  Ids tokens, offsets{0}, ends, last_only;
  for (std::size_t s = 0; s < histories.size(); ++s) {
    tokens.insert(tokens.end(), histories[s].begin(), histories[s].end());
    if (kind == data::ExampleKind::cloze) tokens.push_back(catalogue + 1);
    offsets.push_back(std::ssize(tokens));
    ends.push_back(std::ssize(tokens) - 1);
    last_only.resize(tokens.size(), -1);
    last_only.back() = targets[s];
  }
  if (kind == data::ExampleKind::transitions) {  // a segment is the item before
    for (std::size_t s = 0; s < ends.size(); ++s) {
      tokens[s] = tokens[static_cast<std::size_t>(ends[s])];
      offsets[s + 1] = static_cast<std::int64_t>(s) + 1;
    }
    tokens.resize(ends.size());
  }
  const Ids labels = kind == data::ExampleKind::windows ? last_only : targets;
  return {Tensor::from(tokens), Tensor::from(offsets), Tensor::from(labels), Tensor::from(users),
          Tensor::from(ends)};
}

data::BatchTensors histories_of_users() {
  Ids tokens, offsets{0};
  for (const auto& history : histories) {
    tokens.insert(tokens.end(), history.begin(), history.end());
    offsets.push_back(std::ssize(tokens));
  }
  return {Tensor::from(tokens), Tensor::from(offsets), {}, Tensor::from(users), {}};
}

class RivalsParity : public testing::TestWithParam<std::string> {};

TEST_P(RivalsParity, ScoresLossAndGradients) {
  const std::string name = GetParam();
  const auto file = nn::read_safetensors(test::source_folder() / "tests/fixtures/rivals_tiny.safetensors");
  const auto model = make_model({.model = name,
                                 .num_items = catalogue,
                                 .num_users = 3,
                                 .max_length = length,
                                 .hidden = 4,
                                 .dropout = 0,
                                 .final_dropout = 0},
                                1, DType::f64);
  for (auto& p : model->named_parameters()) {
    const Tensor& stored = file.tensors.at(name + ".weights." + p.name);
    ASSERT_EQ(stored.shape(), p.variable.shape()) << p.name;
    p.variable.set_value(stored.to(p.variable.dtype()).clone());
  }
  const Tensor scores = model->predict(model->user_rows(histories_of_users())).value();
  EXPECT_LE(max_difference(scores, file.tensors.at(name + ".scores")), 1e-12);

  for (const bool fused : {true, false}) {
    const auto examples = batch_of(model->info().examples);
    const Variable loss = fused ? model->loss(examples) : model->loss_composed(examples);
    EXPECT_NEAR(loss.value().item<double>(), file.tensors.at(name + ".loss").to_vector<double>()[0], 1e-12);
    model->zero_grad();
    loss.backward();
    for (const auto& p : model->named_parameters()) {
      const Tensor wanted = file.tensors.at(name + ".grads." + p.name).to(p.variable.dtype());
      ASSERT_TRUE(p.variable.grad().defined()) << p.name;
      EXPECT_LE(max_difference(p.variable.grad(), wanted), is_complex(wanted.dtype()) ? 1e-6 : 1e-8)
          << p.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RivalsParity,
                         testing::Values("mf", "fpmc", "fism", "gru4rec", "narm", "sasrec", "bert4rec",
                                         "fmlp-rec"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace lrurec::model
