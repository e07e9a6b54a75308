// The model of docs/models.md, "Add a model", compiled as it stands and trained.

#include "lrurec/data/batches.h"
#include "lrurec/eval/baselines.h"
#include "lrurec/eval/evaluate.h"
#include "lrurec/model/models.h"
#include "nn/layers.h"
#include "nn/optim/adam.h"
#include "ops/ops.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::model {
namespace {

#include "samples/two_items.inc"

TEST(Samples, TheModelOfTheRecipeLearns) {
  // A user who took items 2n and 2n + 1 takes 2n + 2 next, so both of the last two items tell the next one.
  std::vector<std::vector<std::int32_t>> sequences;
  for (std::int32_t u = 0; u < 60; ++u) {
    std::vector<std::int32_t> sequence;
    for (std::int32_t t = 0; t < 9; ++t) sequence.push_back(1 + (u + t) % 20);
    sequences.push_back(sequence);
  }
  const data::Dataset data = test::make_dataset(sequences);
  const auto& info = TwoItems::about();
  const ModelConfig config{.model = info.name, .num_items = data.items(), .hidden = 16};
  const auto model = info.make(config, nn::Initializer(1));
  EXPECT_EQ(static_cast<double>(real_parameters(*model)), info.real_parameters(config));

  nn::AdamW optimizer({{model->named_parameters(), 0.01}}, {.lr = 0.01});
  data::Batcher batcher(data, {.kind = info.examples, .max_length = 9}, 64, 1);
  double first = 0, last = 0;
  for (std::int64_t step = 0; step < 150; ++step) {
    const auto batch = data::to_tensors(
        batcher.batch(step / batcher.steps_per_epoch(), step % batcher.steps_per_epoch()), Device{});
    const Variable loss = model->loss(batch, {true, 1, static_cast<std::uint64_t>(step)});
    loss.backward();
    optimizer.step();
    model->zero_grad();
    last = static_cast<double>(loss.value().item<float>());
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.5 * first);
  const eval::EvaluateOptions options{.split = data::Split::test, .max_length = 9};
  const double hits = eval::evaluate(data, *model, options).metrics.at("Recall@1");
  EXPECT_GT(hits, 0.9);
}

}  // namespace
}  // namespace lrurec::model
