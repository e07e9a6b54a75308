// The ways of a training step on a GPU: another way, the same training.

#include "lrurec/check/training.h"
#include "lrurec/model/models.h"
#include "lrurec/train/stepper.h"
#ifdef LRUREC_CUDA_EMULATED
#include "tensor/cuda/emulator/graph.h"
#include "tensor/cuda/emulator/memory.h"
#endif
#include "tests/support/data.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::train {
namespace {

using ops::HeadAlgorithm;
using test::max_difference;

config::TrainConfig recorded_config(const std::string& model = "lrurec") {
  config::TrainConfig config;
  config.model = model;
  config.device = "cuda";
  config.hidden = 8;
  config.channels = 12;
  config.max_length = 6;
  config.batch_size = 4;
  config.dropout = 0.3;
  config.learning_rate = 1e-2;
  config.lr_schedule = "linear";
  config.warmup_steps = 3;
  config.max_steps = 20;
  return config;
}

data::Dataset demo() {
  return data::make_demo({.users = 20, .items = 40, .mean_length = 8, .classes = 4, .seed = 1});
}

/// Losses, norms, weights and moments after some steps, the batches of the first `batches` over and over.
Tensors outcome(Stepper& stepper, std::int64_t steps, std::int64_t batches = 1000) {
  for (std::int64_t step = 0; step < steps; ++step) stepper.start(step % batches);
  Tensors all;
  for (const auto& result : stepper.finish()) {
    all.push_back(Tensor::from(std::vector<double>{result.loss, result.gradient_norm, result.learning_rate}));
  }
  for (const auto& p : stepper.model().named_parameters()) all.push_back(p.variable.value().host());
  for (const auto& [name, tensor] : stepper.optimizer().state()) all.push_back(tensor.host());
  return all;
}

void expect_same_bits(const Tensors& a, const Tensors& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) EXPECT_EQ(max_difference(a[k], b[k]), 0) << what << ", " << k;
}

// Steps differ in tokens, labels, step number and learning rate: a graph that kept any of them would show.
TEST(GraphsCuda, ARecordedStepIsTheLaunchedOneBitForBit) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = demo();
  enum class Negatives { none, own, shared };
  for (const auto head : {HeadAlgorithm::chunked, HeadAlgorithm::two_pass}) {
    for (const auto negatives : {Negatives::none, Negatives::own, Negatives::shared}) {
      if (head == HeadAlgorithm::two_pass && negatives != Negatives::none) continue;  // another loss
      auto config = recorded_config();
      if (negatives != Negatives::none) config.negatives = 7;
      config.negatives_shared = negatives == Negatives::shared;
      Stepper launched(config, data, {.head = {head}}),
          recorded(config, data, {.head = {head}, .graphs = true});
      const std::int64_t steps = 8;
      const Tensors expected = outcome(launched, steps, 5);
      expect_same_bits(outcome(recorded, steps, 5), expected, "recorded");
      const auto graphs = recorded.graphs();
      EXPECT_GT(graphs.buckets, 1) << "steps of several sizes";
      EXPECT_GE(graphs.recorded_steps, 3);
      EXPECT_EQ(graphs.recorded_steps, steps - graphs.buckets) << "the first of each is launched";
#ifdef LRUREC_CUDA_EMULATED
      EXPECT_LE(graphs.made, graphs.buckets) << "the kernels of a bucket are the same";
#else
      EXPECT_LE(graphs.made, graphs.recorded_steps)
          << "cuBLAS may choose other kernels for sizes of a bucket";
#endif
      EXPECT_EQ(launched.graphs().recorded_steps, 0);
    }
  }
}

TEST(GraphsCuda, EveryModelCanBeRecorded) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = demo();
  for (const auto& name : model::model_names()) {
    Stepper launched(recorded_config(name), data), recorded(recorded_config(name), data, {.graphs = true});
    const Tensors expected = outcome(launched, 4, 2);
    expect_same_bits(outcome(recorded, 4, 2), expected, name);
    EXPECT_GE(recorded.graphs().recorded_steps, 2) << name;
  }
}

TEST(GraphsCuda, AllWaysTogetherAreTheSameTraining) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = demo();
  const GpuWays ways{.head = {HeadAlgorithm::two_pass, 64}, .graphs = true, .update_pieces = 3};
  EXPECT_EQ(check::check_repeats(recorded_config(), data, 6, 2, ways), "");
  for (const bool tf32 : {false, true}) {
    auto config = recorded_config();
    config.tf32 = tf32;
    const auto pairs = check::check_training(
        config, data, 6, [](const check::StepPair&) {}, ways);
    ASSERT_EQ(pairs.size(), 6U);
    for (const auto& pair : pairs) {
      EXPECT_TRUE(pair.ok()) << "step " << pair.step << ": " << pair.cpu_loss << " and " << pair.gpu_loss;
    }
  }
  prepare_device(recorded_config());  // TF32 is off again
}

TEST(GraphsCuda, WaysAreOfAGpu) {
  const data::Dataset data = demo();
  auto config = recorded_config();
  config.device = "cpu";
  test::expect_error(ErrorKind::usage, "--device cuda", [&] { Stepper(config, data, {.graphs = true}); });
}

TEST(GraphsCuda, ANonFiniteRecordedStepNamesItself) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = demo();
  Stepper stepper(recorded_config(), data, {.graphs = true});
  const Tensors before = outcome(stepper, 6);
  Variable weight = stepper.model().parameter("embedding.weight");
  const Tensor good = weight.value();
  weight.set_value(Tensor::full(good.shape(), NAN, good.dtype(), good.device()));
  const auto recorded = stepper.graphs().recorded_steps;
  for (std::int64_t step = 6; step < 9; ++step) stepper.start(step);
  EXPECT_GT(stepper.graphs().recorded_steps, recorded);
  test::expect_error(ErrorKind::non_finite, "step 7: the loss is nan", [&] { stepper.finish(); });
}

// Batches of about 15,300 tokens share four graphs, not fifteen hundred.
TEST(GraphsCuda, BucketsAreAsCoarseAsBlocksOfMemory) {
  const auto bucket = StepBucket::of(15300, 128);
  EXPECT_EQ(bucket.tokens, 15360);
  EXPECT_EQ(bucket.sequences, 128);
  EXPECT_EQ(StepBucket::of(15360, 128), bucket);
  EXPECT_NE(StepBucket::of(15361, 128), bucket);
  EXPECT_EQ(StepBucket::of(1, 0).tokens, 1);
  EXPECT_EQ(StepBucket::of(1, 0).sequences, 0);
  for (std::int64_t n = 1; n < 5000; ++n) {
    EXPECT_GE(StepBucket::of(n, n).tokens, n);
    EXPECT_LE(8 * StepBucket::of(n, n).tokens, 9 * n + 8);
  }
}

#ifdef LRUREC_CUDA_EMULATED
TEST(GraphsCuda, ARecordedStepIsOneStartAndWaitsForNothing) {
  const data::Dataset data = demo();
  Stepper stepper(recorded_config(), data, {.graphs = true});
  for (std::int64_t step = 0; step < 9; ++step) {
    const auto copies = cuda::emulator::copies_to_host(), replayed = cuda::emulator::replayed(),
               recorded = stepper.graphs().recorded_steps;
    stepper.start(step);
    EXPECT_EQ(cuda::emulator::copies_to_host(), copies);
    EXPECT_EQ(cuda::emulator::replayed() > replayed, stepper.graphs().recorded_steps > recorded);
  }
  EXPECT_GT(stepper.graphs().recorded_steps, 0);
  EXPECT_EQ(stepper.finish().size(), 9U);
}
#endif

}  // namespace
}  // namespace lrurec::train
