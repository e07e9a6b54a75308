#include "nn/module.h"

#include "nn/containers.h"
#include "nn/gru.h"
#include "nn/layers.h"
#include "nn/lru.h"
#include "nn/optim/adam.h"
#include "nn/optim/sgd.h"
#include "nn/serialization/module_file.h"
#include "nn/serialization/safetensors.h"
#include "ops/ops.h"
#include "tests/support/devices.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;

TEST(Module, NamesAreDottedPathsInOrderOfRegistration) {
  Initializer init(1);
  const FeedForward layer(4, 16, 0.1, 0, init);
  std::vector<std::string> names;
  for (const auto& p : layer.named_parameters()) names.push_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"w_1.weight", "w_1.bias", "w_2.weight", "w_2.bias"}));
  EXPECT_EQ(layer.parameter_count(), 4 * 16 + 16 + 16 * 4 + 4);
  EXPECT_EQ(layer.parameter("w_1.weight").shape(), (Shape{16, 4}));
  expect_error(ErrorKind::internal, "there is no 'w_3'", [&] { layer.parameter("w_3"); });
}

// Regression: of two saved under one name the first was lost, and the second was loaded into both.
TEST(Module, ANameIsRegisteredOnce) {
  struct Twice : Module {
    explicit Twice(Initializer& init) : a(2, 3, init), b(2, 3, init) {
      register_module("l", a);
      register_module("l", b);
    }
    Linear a, b;
  };
  struct Both : Module {
    Both() {
      register_parameter("x", Tensor::zeros({1}));
      register_buffer("x", Tensor::zeros({1}));
    }
  };
  Initializer init(1);
  expect_error(ErrorKind::internal, "'l' is registered already", [&] { Twice{init}; });
  expect_error(ErrorKind::internal, "'x' is registered already", [] { Both{}; });
}

TEST(Module, CopyValuesTakesAllOrNothing) {
  struct Two : Module {
    Two(Initializer& init, std::int64_t width) : a(2, 2, init), b(2, width, init) {
      register_module("a", a);
      register_module("b", b);
    }
    Linear a, b;
  };
  Initializer init(1);
  Two to(init, 3);
  const Two from(init, 4);
  const auto before = to.a.weight.value().to_vector<float>();
  expect_error(ErrorKind::internal, "'b.weight' f32 [3, 2] from 'b.weight' f32 [4, 2]",
               [&] { to.copy_values(from); });
  EXPECT_EQ(to.a.weight.value().to_vector<float>(), before);
}

TEST(Module, StepsNeedToBePrepared) {
  Initializer init(1);
  const FeedForward network(4, 8, 0, 0, init);
  const LRU lru(4, 6, init);
  const Tensor x = Tensor::zeros({1, 4}, DType::f32);
  expect_error(ErrorKind::internal, "[FeedForward::step] prepare_steps() comes first",
               [&] { network.step(x); });
  expect_error(ErrorKind::internal, "[LRU::step] prepare_steps() comes first", [&] {
    lru.step(x, Tensor::zeros({1, 6}, DType::c64));
  });
}

TEST(GRU, GoesOnFromAState) {
  Initializer init(1, DType::f64);
  const GRU layer(3, 4, init);
  const Variable x(random_normal({5, 3}, DType::f64, 7));
  const auto whole = layer.forward(x, offsets_of_lengths({5}));
  const auto first = layer.forward(ops::slice(x, 0, 0, 2), offsets_of_lengths({2}));
  for (const auto& rest :
       {layer.forward(ops::slice(x, 0, 2, 5), offsets_of_lengths({3}), first.final_state),
        layer.forward_composed(ops::slice(x, 0, 2, 5), offsets_of_lengths({3}), first.final_state)}) {
    EXPECT_LE(max_difference(rest.final_state.value(), whole.final_state.value()), 1e-14);
  }
}

/// A layer with a buffer: subtracts a mean that is kept, not trained.
struct Centre : Module {
  explicit Centre(Initializer& init)
      : mean(register_buffer("mean", Tensor::zeros({3}, DType::f32))),
        count(register_buffer("count", Tensor::scalar<std::int64_t>(0))),
        linear(3, 2, init) {
    register_module("linear", linear);
  }
  Variable forward(const Variable& x) const { return linear.forward(x - mean); }
  Variable mean, count;
  Linear linear;
};

std::vector<std::string> state_names(const Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, variable] : module.named_state()) names.push_back(name);
  return names;
}

TEST(Module, BuffersAreSavedAndCopiedButNotTrained) {
  Initializer init(1);
  Centre centre(init), other(init);
  EXPECT_EQ(centre.named_parameters().size(), 2U);
  EXPECT_EQ(state_names(centre), (std::vector<std::string>{"linear.weight", "linear.bias", "mean", "count"}));
  const test::TemporaryFolder masks;
  centre.mean.set_value(Tensor::from(std::vector<float>{0, -INFINITY, 0}));
  save_module(masks / "mask.safetensors", centre);
  load_module(masks / "mask.safetensors", other);
  EXPECT_EQ(other.mean.value().to_vector<float>()[1], -INFINITY) << "a buffer may be a mask";

  centre.mean.set_value(Tensor::from(std::vector<float>{1, 2, 3}));
  centre.count.set_value(Tensor::scalar<std::int64_t>(7));
  const Variable x(Tensor::from(std::vector<float>{1, 2, 3}, {1, 3}));
  EXPECT_EQ(max_difference(centre.forward(x).value().reshape({2}), centre.linear.bias.value()), 0);
  ops::sum(centre.forward(x)).backward();
  EXPECT_FALSE(centre.mean.grad().defined());

  other.copy_values(centre);
  EXPECT_EQ(other.mean.value().to_vector<float>(), (std::vector<float>{1, 2, 3}));
  Centre third(init);
  const test::TemporaryFolder folder;
  save_module(folder / "centre.safetensors", centre);
  EXPECT_TRUE(load_module(folder / "centre.safetensors", third).same());
  EXPECT_EQ(third.mean.value().to_vector<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(third.count.value().item<std::int64_t>(), 7);
  load_records(to_records(centre), other);
  EXPECT_EQ(other.count.value().item<std::int64_t>(), 7);
}

TEST(Module, WeightsGoToASafetensorsFileAndBack) {
  const test::TemporaryFolder folder;
  Initializer init(1), other_init(2);
  const LRU lru(3, 4, init);
  LRU other(3, 4, other_init);
  save_module(folder / "weights", lru);
  EXPECT_TRUE(load_module(folder / "weights", other).same());
  for (const auto& p : lru.named_parameters()) {
    EXPECT_EQ(max_difference(p.variable.value(), other.parameter(p.name).value()), 0) << p.name;
  }
  EXPECT_EQ(read_safetensors(folder / "weights").tensors.at("nu_log").shape(), (Shape{4}));
}

TEST(Module, LoadingListsWhatDiffersAndStrictlyChangesNothing) {
  const test::TemporaryFolder folder;
  Initializer init(1), other_init(2);
  Sequential saved, other;
  saved.add<Linear>(2, 3, init).add(ops::tanh).add<Linear>(3, 1, init);
  other.add<Linear>(2, 3, other_init)
      .add(ops::tanh)
      .add<Linear>(3, 2, other_init)
      .add<Linear>(2, 1, other_init);
  save_module(folder / "weights", saved);
  const auto values = [&](const char* name) { return other.parameter(name).value().clone(); };
  const Tensor first = values("0.weight"), last = values("3.weight"), unlike = values("2.weight");
  expect_error(
      ErrorKind::file,
      "missing in the file: 3.weight, 3.bias; of another shape, kind or value: 2.weight: f32 [1, 3] in the "
      "file, f32 [2, 3] here, 2.bias: f32 [1] in the file, f32 [2] here",
      [&] { load_module(folder / "weights", other); });
  EXPECT_EQ(max_difference(values("0.weight"), first), 0);

  const LoadReport report = load_module(folder / "weights", other, Loading::lenient);
  EXPECT_FALSE(report.same());
  EXPECT_EQ(report.missing, (std::vector<std::string>{"3.weight", "3.bias"}));
  EXPECT_EQ(report.unlike.size(), 2U);
  EXPECT_EQ(max_difference(values("0.weight"), saved.parameter("0.weight").value()), 0);
  EXPECT_EQ(max_difference(values("2.weight"), unlike), 0);
  EXPECT_EQ(max_difference(values("3.weight"), last), 0);

  Linear smaller(2, 3, init);
  EXPECT_EQ(load_module(folder / "weights", smaller, Loading::lenient).unexpected.size(), 4U);
}

TEST(Module, LoadingConvertsPrecisionAndRefusesWhatIsNotFinite) {
  const test::TemporaryFolder folder;
  Initializer single(1), twice(2, DType::f64);
  Linear narrow(2, 2, single), wide(2, 2, twice);
  save_module(folder / "narrow", narrow);
  EXPECT_TRUE(load_module(folder / "narrow", wide).same());
  EXPECT_EQ(wide.weight.dtype(), DType::f64);
  EXPECT_EQ(max_difference(wide.weight.value(), narrow.weight.value()), 0);
  narrow.bias.set_value(Tensor::from(std::vector<float>{0, INFINITY}));
  save_module(folder / "narrow", narrow);
  for (const auto loading : {Loading::strict, Loading::lenient}) {
    expect_error(ErrorKind::file, "tensor 'bias' is not finite at entry 1",
                 [&] { load_module(folder / "narrow", wide, loading); });
  }
  wide.bias.set_value(Tensor::from(std::vector<double>{1e300, 1}));  // finite, but not as f32
  save_module(folder / "wide", wide);
  expect_error(ErrorKind::file, "tensor 'bias' is not finite at entry 0",
               [&] { load_module(folder / "wide", narrow); });
}

// A frozen parameter is no buffer, which may be a mask of infinities.
TEST(Module, ParametersAreFiniteFrozenOrNotAndBuffersNeedNotBe) {
  const test::TemporaryFolder folder;
  Initializer init(1);
  Centre centre(init), other(init);
  centre.mean.set_value(Tensor::from(std::vector<float>{0, -INFINITY, 0}));
  load_records(to_records(centre), other);
  EXPECT_EQ(other.mean.value().to_vector<float>()[1], -INFINITY);

  centre.linear.bias.set_value(Tensor::from(std::vector<float>{0, NAN}));
  other.set_requires_grad(false);
  save_module(folder / "centre", centre);
  const std::string why = "tensor 'linear.bias' is not finite at entry 1";
  expect_error(ErrorKind::file, why, [&] { load_module(folder / "centre", other); });
  expect_error(ErrorKind::file, why, [&] { load_records(to_records(centre), other); });
}

TEST(Module, NamesThatWouldMeetInAFileAreRefused) {
  struct Nameless : Module {
    explicit Nameless(Initializer& init) : a(2, 3, init), b(2, 3, init) {
      register_module("", a);
      register_module("", b);
    }
    Linear a, b;
  };
  struct Dotted : Module {
    explicit Dotted(Initializer& init) { register_parameter("lin.weight", init.constant({2}, 0)); }
  };
  Initializer init(1);
  const test::TemporaryFolder folder;
  Nameless nameless(init);
  expect_error(ErrorKind::internal, "two parameters or buffers are named 'weight'",
               [&] { save_module(folder / "w", nameless); });
  expect_error(ErrorKind::internal, "choose a name without", [&] { Dotted dotted(init); });
}

TEST(Module, StepsOfOtherWeightsThanThosePreparedAreErrors) {
  Initializer init(1);
  LRU lru(3, 4, init);
  FeedForward network(3, 12, 0, 0, init);
  const Tensor x = random_normal({1, 3}, DType::f32), state = lru.initial_state(1);
  expect_error(ErrorKind::internal, "prepare_steps() comes first", [&] { lru.step(x, state); });
  lru.prepare_steps();
  network.prepare_steps();
  lru.step(x, state);
  network.step(x);
  SGD optimizer({{lru.named_parameters(), 0}}, {.lr = 1});
  ops::sum(lru.forward(Variable(x), Tensor::from(std::vector<std::int64_t>{0, 1})).y).backward();
  optimizer.step();
  expect_error(ErrorKind::internal, "the weights were changed since prepare_steps()",
               [&] { lru.step(x, state); });
  lru.prepare_steps();
  lru.step(x, state);
  Variable weight = network.parameter("w_1.weight");
  weight.set_value(weight.value().clone());
  expect_error(ErrorKind::internal, "the weights were changed since prepare_steps()",
               [&] { network.step(x); });
  // The second new value may lie at the old one's address. The change must be noticed all the same.
  network.prepare_steps();
  for (int i = 0; i < 2; ++i) weight.set_value(weight.value().clone());
  expect_error(ErrorKind::internal, "the weights were changed since prepare_steps()",
               [&] { network.step(x); });
}

TEST(Module, ATrainingGoesOnFromFilesBitByBit) {
  const test::TemporaryFolder folder;
  const Variable x(random_normal({6, 3}, DType::f32));
  const auto step = [&x](Linear& layer, Optimizer& optimizer) {
    ops::mean(ops::square(layer.forward(x) - x)).backward();
    optimizer.step();
    layer.zero_grad();
  };
  Initializer init(1), other(2);
  Linear layer(3, 3, init), again(3, 3, other);
  AdamW optimizer({{layer.named_parameters(), 0.01}}, {.lr = 0.1}),
      resumed({{again.named_parameters(), 0.01}}, {.lr = 0.1});
  for (int i = 0; i < 3; ++i) step(layer, optimizer);
  save_module(folder / "weights", layer);
  save_optimizer(folder / "optimizer", optimizer);
  load_module(folder / "weights", again);
  load_optimizer(folder / "optimizer", resumed);
  EXPECT_EQ(resumed.steps(), 3);
  for (int i = 0; i < 2; ++i) {
    step(layer, optimizer);
    step(again, resumed);
  }
  EXPECT_EQ(max_difference(layer.weight.value(), again.weight.value()), 0);
  EXPECT_EQ(max_difference(layer.bias.value(), again.bias.value()), 0);

  Linear wider(3, 4, init);
  AdamW of_wider({{wider.named_parameters(), 0.01}}, {.lr = 0.1});
  expect_error(ErrorKind::file, "tensor 'exp_avg.bias' is f32 [3], f32 [4] is needed",
               [&] { load_optimizer(folder / "optimizer", of_wider); });
  SGD other_kind({{layer.named_parameters(), 0}}, {.lr = 0.1});
  expect_error(ErrorKind::file, "is not part of this model",
               [&] { load_optimizer(folder / "optimizer", other_kind); });
}

TEST(Module, TheStateOfAnOptimiserThatCannotBeIsRefused) {
  const test::TemporaryFolder folder;
  Initializer init(1);
  Linear layer(2, 2, init);
  AdamW optimizer({{layer.named_parameters(), 0.01}}, {.lr = 0.1});
  save_optimizer(folder / "optimizer", optimizer);
  const auto refused = [&](const std::string& name, const Tensor& value, const std::string& why) {
    Safetensors file = read_safetensors(folder / "optimizer");
    file.tensors.insert_or_assign(name, value);
    write_safetensors(folder / "broken", file);
    expect_error(ErrorKind::file, why, [&] { load_optimizer(folder / "broken", optimizer); });
    EXPECT_EQ(optimizer.steps(), 0);
  };
  refused("steps", Tensor::scalar(std::int64_t{-1}), "-1 steps were made, which cannot be");
  refused("exp_avg.bias", Tensor::full({2}, NAN, DType::f32),
          "tensor 'exp_avg.bias' has a number that is not finite");
  // Regression: its root was taken, and the next step made the weights NaN.
  refused("exp_avg_sq.bias", Tensor::from(std::vector<float>{1, -0.5F}),
          "tensor 'exp_avg_sq.bias' has -0.5 at entry 1: a mean of squares is not negative");
  expect_error(ErrorKind::internal, "-1 steps were made, which cannot be", [&] { optimizer.set_steps(-1); });
}

TEST(Sequential, IsItsLayersOneAfterTheOther) {
  Initializer init(3), same(3);
  Sequential net;
  net.add<Linear>(2, 4, init).add(ops::tanh).add<Dropout>(0.5, /*site=*/0).add<Linear>(4, 1, init);
  const Linear first(2, 4, same), second(4, 1, same);
  EXPECT_EQ(state_names(net), (std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"}));
  const Variable x(random_normal({5, 2}, DType::f32));
  EXPECT_EQ(max_difference(net.forward(x).value(), second.forward(ops::tanh(first.forward(x))).value()), 0);
  const ForwardContext training{.training = true, .seed = 1, .step = 2};
  EXPECT_GT(max_difference(net.forward(x, training).value(), net.forward(x).value()), 0);
}

TEST(ModuleList, NamesItsLayersByPlace) {
  struct Stack : Module {
    explicit Stack(Initializer& init) {
      register_module("layers", layers);
      for (int i = 0; i < 12; ++i) layers.add(2, 3, init);
    }
    ModuleList<GRU> layers;
  };
  Initializer init(1);
  Stack stack(init);
  EXPECT_EQ(stack.named_parameters()[0].name, "layers.0.input_weight");
  EXPECT_EQ(stack.parameter("layers.11.recurrent_bias").shape(), (Shape{3}));
  EXPECT_EQ(stack.named_parameters()[4].name, "layers.1.input_weight");  // in order, 10 after 9
  EXPECT_EQ(stack.layers.size(), 12U);
  expect_error(ErrorKind::internal, "[ModuleList] layer 12 is not in 0..11", [&] { (void)stack.layers[12]; });
  const ModuleList<GRU> none;
  expect_error(ErrorKind::internal, "[ModuleList] it has no layers", [&] { (void)none.back(); });
}

TEST(Initializer, XavierAndKaimingHaveTheirVariance) {
  Initializer init(7, DType::f64);
  const auto variance = [](const Tensor& x) {
    double squares = 0;
    for (const double v : x.to_vector<double>()) squares += v * v;
    return squares / static_cast<double>(x.numel());
  };
  const Shape shape{200, 50, 2};  // fan_in 100, fan_out 400
  EXPECT_NEAR(variance(init.xavier_uniform(shape)) / (2.0 / 500), 1, 0.03);
  EXPECT_NEAR(variance(init.xavier_normal(shape, 2)) / (4 * 2.0 / 500), 1, 0.03);
  EXPECT_NEAR(variance(init.kaiming_uniform(shape)) / (2.0 / 100), 1, 0.03);
  EXPECT_NEAR(variance(init.kaiming_normal(shape, 1)) / (1.0 / 100), 1, 0.03);
  EXPECT_NEAR(variance(init.normal({20000}, 3, 2)) / (9 + 4), 1, 0.03);
  for (const double v : init.kaiming_uniform(shape).to_vector<double>())
    ASSERT_LE(std::abs(v), std::sqrt(6.0 / 100));
  expect_error(ErrorKind::internal, "weights [outputs, inputs, ...] are needed, not [3]",
               [&] { init.xavier_normal({3}); });
}

TEST(Initializer, OrthogonalRowsOrColumnsAreOrthonormal) {
  Initializer init(1, DType::f64);
  for (const Shape& shape : {Shape{5, 8}, Shape{8, 5}, Shape{6, 6}, Shape{4, 3, 3}, Shape{1, 1}}) {
    const Tensor w = init.orthogonal(shape, 2);
    const Tensor m = w.reshape({shape[0], -1});
    const Tensor small = m.size(0) <= m.size(1) ? m : m.transpose(0, 1);
    const Tensor gram = ops::raw::matmul(small, small.transpose(0, 1));
    for (std::int64_t i = 0; i < gram.size(0); ++i) {
      for (std::int64_t j = 0; j < gram.size(0); ++j) {
        EXPECT_NEAR(gram.select(0, i).select(0, j).item<double>(), i == j ? 4 : 0, 1e-12) << shape.str();
      }
    }
  }
}

TEST(Module, WhatIsFrozenIsNeitherMovedNorDecayed) {
  Initializer init(1, DType::f64);
  Linear frozen(3, 3, init), trained(3, 2, init, WeightScale::published, Bias::no);
  EXPECT_FALSE(trained.bias.defined());
  EXPECT_EQ(trained.named_parameters().size(), 1U);
  std::vector<NamedParameter> all = frozen.named_parameters();
  for (auto& p : trained.named_parameters()) all.push_back({"trained." + p.name, p.variable});
  AdamW optimizer({{all, /*weight_decay=*/0.1}}, {.lr = 0.1});
  const auto step = [&] {
    const Variable x(test::random_normal({4, 3}, DType::f64, 2));
    ops::sum(ops::square(trained.forward(frozen.forward(x)))).backward();
    optimizer.step();
    frozen.zero_grad(), trained.zero_grad();
  };
  frozen.set_requires_grad(false);
  const auto before = frozen.weight.value().to_vector<double>(),
             other = trained.weight.value().to_vector<double>();
  step();
  EXPECT_EQ(frozen.weight.value().to_vector<double>(), before);
  EXPECT_NE(trained.weight.value().to_vector<double>(), other);
  frozen.set_requires_grad(true);
  step();
  EXPECT_NE(frozen.weight.value().to_vector<double>(), before);
}

TEST(ModuleCuda, BuffersMoveWithTheModule) {
  LRUREC_NEEDS_GPU();
  Initializer init(1);
  Centre centre(init);
  centre.mean.set_value(Tensor::from(std::vector<float>{1, 2, 3}));
  centre.to(test::gpu);
  EXPECT_TRUE(centre.mean.value().device().is_cuda());
  EXPECT_EQ(centre.mean.value().to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

// Regression: the tensor under the second name won, and that of the first was silently lost.
TEST(LoadModule, TwoValuesOfATiedParameterAreADifference) {
  struct Tied : Module {
    explicit Tied(Initializer& init) : linear(2, 2, init, WeightScale::published, Bias::no) {
      register_module("p", linear);
      register_module("q", linear);
    }
    Linear linear;
  };
  const test::TemporaryFolder folder;
  Initializer init(1);
  Tied tied(init), other(init);
  save_module(folder / "one", tied);
  EXPECT_TRUE(load_module(folder / "one", other).same());
  Safetensors file = read_safetensors(folder / "one");
  file.tensors["q.weight"] = Tensor::full({2, 2}, 7);
  write_safetensors(folder / "two", file);
  const char* difference = "q.weight: another value in the file than p.weight";
  test::expect_error(ErrorKind::file, difference, [&] { load_module(folder / "two", other); });
  EXPECT_EQ(load_module(folder / "two", other, Loading::lenient).unlike.size(), 1U);
  EXPECT_EQ(test::max_difference(other.linear.weight.value(), tied.linear.weight.value()), 0);
  auto records = to_records(tied);
  records["q.weight"] = to_record(Tensor::full({2, 2}, 7));
  test::expect_error(ErrorKind::file, "'p.weight' and 'q.weight' differ",
                     [&] { load_records(records, other); });
}

}  // namespace
}  // namespace lrurec::nn
