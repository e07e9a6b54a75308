// Training on a GPU: the CPU's losses, checkpoints that both devices read, and what happens when it fails.

#include <fstream>

#include "lrurec/check/training.h"
#include "lrurec/model/session.h"
#include "lrurec/train/trainer.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/module_file.h"
#include "ops/matmul/matmul.h"
#ifdef LRUREC_CUDA_EMULATED
#include "tensor/cuda/emulator/memory.h"
#endif
#include "tests/support/data.h"
#include "tests/support/devices.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::train {
namespace {

using test::expect_error;
using test::gpu;
using test::max_difference;
using test::TemporaryFolder;

config::TrainConfig tiny_on_gpu(const std::string& device = "cuda") {
  config::TrainConfig config;
  config.device = device;
  config.hidden = 8;
  config.channels = 12;
  config.max_length = 6;
  config.batch_size = 4;
  config.validate_every = 3;
  config.log_every = 2;
  config.max_steps = 6;
  config.dropout = 0.3;
  config.learning_rate = 1e-2;
  return config;
}

data::Dataset few_users() {
  return data::make_demo({.users = 20, .items = 40, .mean_length = 8, .classes = 4, .seed = 1});
}

std::map<std::string, nn::TensorRecord> parameters(const Stepper& stepper) {
  return nn::to_records(stepper.model());
}

TEST(TrainingCuda, HasTheCpusLosses) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  enum class Negatives { none, own, shared };
  for (const auto negatives : {Negatives::none, Negatives::own, Negatives::shared}) {
    auto config = tiny_on_gpu();
    if (negatives != Negatives::none) config.negatives = 7;
    config.negatives_shared = negatives == Negatives::shared;
    const auto pairs = check::check_training(config, data, 5, [](const check::StepPair&) {});
    ASSERT_EQ(pairs.size(), 5U);
    for (const auto& pair : pairs) {
      EXPECT_TRUE(pair.ok()) << "step " << pair.step << ": " << pair.cpu_loss << " and " << pair.gpu_loss;
      EXPECT_NEAR(pair.gpu_norm / pair.cpu_norm, 1, 1e-3);
    }
    EXPECT_NE(pairs[0].cpu_loss, pairs[4].cpu_loss);
  }
}

TEST(TrainingCuda, HasTheCpusLossesBeyondThePaper) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  auto config = tiny_on_gpu();
  config.blocks = 3;
  config.norm_first = config.item_norm = config.gates = true;
  config.network = "swiglu";
  config.label_smoothing = 0.1;
  for (const auto& pair : check::check_training(config, data, 5, [](const check::StepPair&) {})) {
    EXPECT_TRUE(pair.ok()) << "step " << pair.step << ": " << pair.cpu_loss << " and " << pair.gpu_loss;
    EXPECT_NEAR(pair.gpu_norm / pair.cpu_norm, 1, 1e-3);
  }
}

// Ten bits of mantissa in float products where a run asks for them, in no other type and in no other run.
TEST(TrainingCuda, Tf32IsOfFloatProductsInTheRunThatAsks) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  const auto product = [](DType dtype) {
    const Tensor a = test::random_normal({30, 40}, dtype, 1), b = test::random_normal({40, 20}, dtype, 2);
    return max_difference(ops::raw::matmul(a.to(gpu), b.to(gpu)).host(), ops::raw::matmul(a, b));
  };
  for (const bool on : {true, false}) {
    auto config = tiny_on_gpu();
    config.tf32 = on;
    for (const auto& pair : check::check_training(config, data, 3, [](const check::StepPair&) {})) {
      EXPECT_TRUE(pair.ok()) << "step " << pair.step << ": " << pair.cpu_loss << " and " << pair.gpu_loss;
    }
    EXPECT_EQ(product(DType::f32) > 1e-4, on) << product(DType::f32);
    EXPECT_LE(product(DType::f64), 1e-12);
    EXPECT_LE(product(DType::c128), 1e-12);
  }
}

TEST(TrainingCuda, ADifferenceIsNoticed) {
  check::StepPair pair{1, 2.0, 2.0, 1, 1, check::training_tolerance(false)};
  EXPECT_TRUE(pair.ok());
  pair.gpu_loss = 2.001;
  EXPECT_FALSE(pair.ok());
  pair.gpu_loss = NAN;
  EXPECT_FALSE(pair.ok());
}

TEST(TrainingCuda, HasTheSameBitsInAnyThreadOrder) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  EXPECT_EQ(check::check_repeats(tiny_on_gpu(), data, 3, 2), "");
  std::map<std::string, nn::TensorRecord> first;
  test::in_every_thread_order([&] {
    Stepper stepper(tiny_on_gpu(), data);
    for (std::int64_t step = 0; step < 3; ++step) stepper.start(step);
    stepper.finish();
    if (first.empty()) first = parameters(stepper);
    for (const auto& [name, record] : parameters(stepper)) EXPECT_EQ(record.bytes, first.at(name).bytes);
  });
}

// The host runs ahead of the GPU; looking at every step must not change what they do.
TEST(TrainingCuda, StepsInOneGoAreThoseOneByOne) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  Stepper ahead(tiny_on_gpu(), data), waiting(tiny_on_gpu(), data);
  for (std::int64_t step = 0; step < 4; ++step) ahead.start(step);
  const auto results = ahead.finish();
  ASSERT_EQ(results.size(), 4U);
  for (std::int64_t step = 0; step < 4; ++step) {
    const auto result = waiting.run(step);
    EXPECT_EQ(results[static_cast<std::size_t>(step)].loss, result.loss);
    EXPECT_EQ(results[static_cast<std::size_t>(step)].tokens, result.tokens);
  }
}

TEST(TrainingCuda, ACheckpointIsReadOnEitherDevice) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  const TemporaryFolder folder;
  for (const std::string from : {"cuda", "cpu"}) {
    const std::string to = from == "cuda" ? "cpu" : "cuda";
    const RunFolder run = RunFolder::create(folder / from);
    Trainer first(tiny_on_gpu(from), data, run);
    first.run();
    const auto path = run.checkpoint("last");
    const Checkpoint checkpoint = Checkpoint::load(path);

    auto config = tiny_on_gpu(to);
    config.max_steps = 8;
    Stepper other(config, data);
    load_parameters(checkpoint, path.string(), other.model());
    load_optimizer(checkpoint, path.string(), other.optimizer());
    for (const auto& [name, record] : parameters(other)) {
      EXPECT_EQ(record.bytes, nn::to_records(first.model()).at(name).bytes) << name;
    }
    for (const auto& [name, tensor] : other.optimizer().state()) {
      EXPECT_EQ(nn::to_record(tensor).bytes, checkpoint.optimizer.at(name).bytes) << name;
    }

    Trainer resumed(config, data, run);
    resumed.resume(checkpoint, path.string());
    EXPECT_EQ(resumed.run().step, 8);
  }
}

TEST(TrainingCuda, EvaluationIsTheCpus) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  Stepper stepper(tiny_on_gpu("cpu"), data);
  for (std::int64_t step = 0; step < 5; ++step) stepper.run(step);
  const eval::EvaluateOptions options{data::Split::test, 6, 0, /*with_loss=*/true};
  const auto cpu = eval::evaluate(data, stepper.model(), options);
  stepper.model().to(gpu);
  const auto cuda = eval::evaluate(data, stepper.model(), options);
  EXPECT_EQ(cuda.metrics.all(), cpu.metrics.all());
  EXPECT_NEAR(*cuda.loss, *cpu.loss, 1e-5);
}

TEST(TrainingCuda, ANonFiniteStepNamesItselfOnceItIsLookedAt) {
  LRUREC_NEEDS_GPU();
  const data::Dataset data = few_users();
  Stepper stepper(tiny_on_gpu(), data);
  stepper.run(0);
  Variable weight = stepper.model().parameter("embedding.weight");
  Tensor broken = weight.value().host().clone();
  for (std::int64_t i = 0; i < broken.numel(); ++i) broken.data<float>()[i] = NAN;
  weight.set_value(broken.to(gpu));
  const auto bias = nn::to_records(stepper.model()).at("bias").bytes;
  stepper.start(1);
  stepper.start(2);
  expect_error(ErrorKind::non_finite, "step 2: the loss is nan", [&] { stepper.finish(); });
  EXPECT_EQ(nn::to_records(stepper.model()).at("bias").bytes, bias);
}

#ifdef LRUREC_CUDA_EMULATED
TEST(TrainingCuda, StartingAStepWaitsForNothing) {
  const data::Dataset data = few_users();
  for (const std::int64_t negatives : {0, 7}) {
    for (const bool shared : {false, true}) {
      auto config = tiny_on_gpu();
      config.negatives = negatives;
      config.negatives_shared = shared;
      Stepper stepper(config, data);
      const std::int64_t before = cuda::emulator::copies_to_host(), waits = cuda::emulator::waiting_copies();
      for (std::int64_t step = 0; step < 3; ++step) stepper.start(step);
      EXPECT_EQ(cuda::emulator::copies_to_host(), before);
      EXPECT_EQ(cuda::emulator::waiting_copies(), waits);
      stepper.finish();
      EXPECT_GT(cuda::emulator::copies_to_host(), before);
    }
  }
}

// What the host has to do for a step of the model with two blocks, cuBLAS's launches aside.
TEST(TrainingCuda, AStepIsSoManyLaunches) {
  const data::Dataset data = few_users();
  auto config = tiny_on_gpu();
  config.hidden = 64;
  config.channels = 128;
  Stepper stepper(config, data);
  stepper.run(0);
  const std::int64_t before = cuda::emulator::launches();
  stepper.run(1);
  EXPECT_EQ(cuda::emulator::launches() - before, 64);
}

// A real GPU is not filled up by a test.
TEST(TrainingCuda, OutOfMemoryNamesTheSizesAndLeavesTheCheckpoint) {
  const data::Dataset data = few_users();
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  auto config = tiny_on_gpu();
  Trainer(config, data, run).run();
  const auto before = nn::to_bytes(Checkpoint::load(run.checkpoint("last")));

  config.max_steps = 9;
  Trainer more(config, data, run);
  more.resume(Checkpoint::load(run.checkpoint("last")), "last");
  cuda::emulator::set_memory_limit(memory_stats(DeviceType::cuda).in_use + 30'000);
  expect_error(ErrorKind::out_of_memory, "out of device memory: a tensor of", [&] { more.run(); });
  cuda::emulator::set_memory_limit(std::size_t{4} << 30);
  EXPECT_EQ(nn::to_bytes(Checkpoint::load(run.checkpoint("last"))), before);
}
#endif

}  // namespace
}  // namespace lrurec::train

namespace lrurec::model {
namespace {

using test::gpu;
using test::max_difference;

TEST(SessionCuda, StepsAndRecommendsAsTheCpu) {
  LRUREC_NEEDS_GPU();
  for (const DType real : {DType::f64, DType::f32}) {
    LRURec model({.num_items = 60, .hidden = 8, .channels = 12, .outer_gelu = real == DType::f64}, 3, real);
    const IncrementalModel on_cpu(model);
    model.to(gpu);
    const IncrementalModel on_gpu(model);
    Session a(on_cpu), b(on_gpu);
    for (std::int64_t t = 0; t < 12; ++t) {
      a.observe(1 + t * 17 % 60);
      b.observe(1 + t * 17 % 60);
      EXPECT_LE(max_difference(b.hidden().host(), a.hidden()), real == DType::f64 ? 1e-12 : 1e-4);
    }
    const auto best = a.recommend(5), found = b.recommend(5);
    ASSERT_EQ(found.size(), best.size());
    for (std::size_t i = 0; i < best.size(); ++i) EXPECT_EQ(found[i].item, best[i].item);
  }
}

#ifdef LRUREC_CUDA_EMULATED
TEST(ModelScoreCuda, OfCandidatesWaitsForNothingAndIsTheCpus) {
  LRURec model({.num_items = 60, .hidden = 8, .channels = 12}, 3, DType::f32);
  const Tensor rows = test::random_normal({4, 8}, DType::f32);
  const Tensor candidates = Tensor::from(std::vector<std::int64_t>{1, 5, 0, 40, 7, 7, 60, 2}, {4, 2});
  const Tensor expected = model.score(rows, candidates);
  model.to(gpu);
  const Tensor there = rows.to(gpu);
  const std::int64_t before = cuda::emulator::copies_to_host();
  const Tensor scores = model.score(there, candidates);
  EXPECT_EQ(cuda::emulator::copies_to_host(), before);
  EXPECT_LE(max_difference(scores.host(), expected), 1e-5);
  // Candidates that lie on the GPU are read back once, not for each user.
  const Tensor far = candidates.to(gpu);
  EXPECT_LE(max_difference(model.score(there, far).host(), expected), 1e-5);
  EXPECT_EQ(cuda::emulator::copies_to_host(), before + 3);
}
#endif

}  // namespace
}  // namespace lrurec::model
