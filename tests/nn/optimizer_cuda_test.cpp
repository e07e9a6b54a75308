// Optimisers on a GPU: the CPU's steps, and what happens to numbers that are not finite.

#include <cmath>

#include "nn/optim/adam.h"
#include "nn/optim/kernels.h"
#include "nn/optim/sgd.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::gpu;
using test::max_difference;
using test::random_normal;

/// Fifty parameters: more than a table holds, one of several blocks, one complex, one empty, one f64.
std::vector<NamedParameter> parameters(Device device) {
  std::vector<NamedParameter> all;
  for (std::int64_t i = 0; i < 50; ++i) {
    const Shape shape = i == 3 ? Shape{40000} : i == 5 ? Shape{0} : Shape{1 + i % 7, 3};
    const DType dtype = i == 4 ? DType::c64 : i == 6 ? DType::f64 : DType::f32;
    const Tensor value = random_normal(shape, dtype, static_cast<std::uint64_t>(i)).contiguous();
    all.push_back(
        {"p" + std::to_string(i) + (i % 2 == 0 ? ".bias" : ".weight"), Variable(value.to(device), true)});
  }
  return all;
}

/// Gives all but parameter 7 a gradient.
void set_gradients(const std::vector<NamedParameter>& all, std::uint64_t step) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 7) continue;
    Variable v = all[i].variable;
    v.set_grad(random_normal(v.shape(), v.dtype(), 1000 * step + i).to(v.value().device()));
  }
}

template <class Make>
void expect_the_cpus_steps(Make&& make) {
  const auto on_cpu = parameters({}), on_gpu = parameters(gpu);
  const auto a = make(on_cpu), b = make(on_gpu);
  for (std::uint64_t n = 1; n <= 4; ++n) {
    set_gradients(on_cpu, n);
    set_gradients(on_gpu, n);
    const auto x = a->clip_and_step(5).read(), y = b->clip_and_step(5).read();
    EXPECT_NEAR(x.norm, y.norm, 1e-9 * x.norm);
    EXPECT_EQ(y.problem, "");
  }
  a->step(0.5);
  b->step(0.5);
  EXPECT_EQ(b->steps(), 5);
  for (std::size_t i = 0; i < on_cpu.size(); ++i) {
    EXPECT_LE(max_difference(on_gpu[i].variable.value().host(), on_cpu[i].variable.value()), 2e-6)
        << on_cpu[i].name;
  }
  const auto state = b->state();
  for (const auto& [name, tensor] : a->state()) {
    EXPECT_LE(max_difference(state.at(name).host(), tensor), 2e-6) << name;
  }
}

TEST(OptimizerCuda, TakesTheCpusSteps) {
  LRUREC_NEEDS_GPU();
  // Two groups: weights decay, biases do not and learn at half the rate.
  const auto groups = [](const std::vector<NamedParameter>& all, double weight_decay) {
    std::vector<ParameterGroup> two{{{}, weight_decay}, {{}, 0, 0.5}};
    for (const auto& p : all) two[p.name.ends_with("bias") ? 1 : 0].parameters.push_back(p);
    return two;
  };
  test::in_every_thread_order([&] {
    expect_the_cpus_steps([&](const auto& all) {
      return std::make_unique<AdamW>(groups(all, 0.1), AdamOptions{.lr = 0.01, .eps = 1e-3});
    });
    expect_the_cpus_steps([&](const auto& all) {
      return std::make_unique<Adam>(groups(all, 0.1), AdamOptions{.lr = 0.01, .eps = 1e-3});
    });
    expect_the_cpus_steps([&](const auto& all) {
      return std::make_unique<SGD>(groups(all, 0.01), SgdOptions{.lr = 0.1, .momentum = 0.9});
    });
  });
}

// However many blocks of threads share out a block of a parameter; 3 do not divide it.
TEST(OptimizerCuda, PiecesOfAnUpdateHaveTheSameBits) {
  LRUREC_NEEDS_GPU();
  Tensors whole;
  for (const int pieces : {1, 3, 16, 64}) {
    const auto all = parameters(gpu);
    AdamW optimizer({{all, 0.1}}, {.lr = 0.01, .gpu_pieces = pieces});
    for (std::uint64_t n = 1; n <= 3; ++n) {
      set_gradients(all, n);
      optimizer.clip_and_step(5);
    }
    Tensors after;
    for (const auto& p : all) after.push_back(p.variable.value().host());
    for (const auto& [name, tensor] : optimizer.state()) after.push_back(tensor.host());
    if (whole.empty()) whole = after;
    for (std::size_t k = 0; k < whole.size(); ++k) {
      EXPECT_EQ(max_difference(after[k], whole[k]), 0) << pieces << " pieces, tensor " << k;
    }
  }
  EXPECT_GT(max_difference(whole[3], parameters({})[3].variable.value()), 0) << "they did something";
}

TEST(OptimizerCuda, TheNormAndClippingAreTheCpus) {
  LRUREC_NEEDS_GPU();
  const auto on_cpu = parameters({}), on_gpu = parameters(gpu);
  set_gradients(on_cpu, 1);
  set_gradients(on_gpu, 1);
  const double norm = gradient_norm(on_cpu);
  EXPECT_NEAR(clip_gradient_norm(on_gpu, 2), norm, 1e-9 * norm);
  EXPECT_NEAR(gradient_norm(on_gpu), 2, 1e-5);

  Variable huge(Tensor::zeros({4}, DType::f32, gpu), true);
  huge.set_grad(Tensor::full({4}, 1e20, DType::f32, gpu));
  EXPECT_NEAR(gradient_norm({{"x", huge}}) / 2e20, 1, 1e-6);
  EXPECT_EQ(gradient_norm({}), 0);
}

TEST(OptimizerCuda, ANonFiniteStepChangesNothingAndStops) {
  LRUREC_NEEDS_GPU();
  const auto all = parameters(gpu);
  AdamW optimizer({{all}}, {.lr = 0.1});
  set_gradients(all, 1);
  const Tensor good = Tensor::full({}, 2.5, DType::f32, gpu), bad = Tensor::full({}, NAN, DType::f32, gpu);
  EXPECT_EQ(optimizer.clip_and_step(5, good).read().loss, 2.5);
  const auto values = [&] {
    Tensors copies;
    for (const auto& p : all) copies.push_back(p.variable.value().host());
    for (const auto& [name, tensor] : optimizer.state()) copies.push_back(tensor.host());
    return copies;
  };
  const Tensors before = values();

  Tensor broken = random_normal({40000}, DType::f32);
  broken.data<float>()[20001] = NAN;
  broken.data<float>()[20005] = INFINITY;
  Variable wide = all[3].variable;
  wide.set_grad(broken.to(gpu));
  const ClippedStep first = optimizer.clip_and_step(5, good);
  set_gradients(all, 2);
  const ClippedStep second = optimizer.clip_and_step(5, good), third = optimizer.clip_and_step(5, bad);
  EXPECT_EQ(first.read().problem, "the gradient of p3.weight is not finite at entry 20001");
  EXPECT_EQ(second.read().problem, "a step before it was not finite");
  EXPECT_EQ(third.read().problem, "the loss is nan");
  const Tensors after = values();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(max_difference(after[i], before[i]), 0);

  wide.set_grad(broken.to(gpu));
  expect_error(ErrorKind::non_finite, "the gradient of p3.weight is not finite at entry 20001",
               [&] { finite_gradient_norm(all); });
}

TEST(OptimizerCuda, AnEntryOfAGradientKnowsItsParameter) {
  const std::int64_t code = kernels::gradient_entry(33, 2'100'000'000'000 / 10);
  EXPECT_EQ(kernels::parameter_of_entry(code), 33);
  EXPECT_EQ(kernels::entry_of_entry(code), 210'000'000'000);
  EXPECT_EQ(static_cast<std::int64_t>(static_cast<double>(code)), code);
}

TEST(OptimizerCuda, BlocksOfATableBelongToTheirParameters) {
  kernels::ParameterTable<float> table;
  for (const std::int64_t n :
       {std::int64_t{1}, kernels::parameter_block, kernels::parameter_block + 1, std::int64_t{7}}) {
    kernels::ParameterView<float> row;
    row.n = n;
    row.index = table.count;
    table.add(row);
  }
  ASSERT_EQ(table.blocks(), 5);
  const std::vector<int> expected{0, 1, 2, 2, 3};
  for (int b = 0; b < 5; ++b) EXPECT_EQ(table.part(b).p.index, expected[static_cast<std::size_t>(b)]);
  EXPECT_EQ(table.part(3).begin, kernels::parameter_block);
  EXPECT_EQ(table.part(3).end, kernels::parameter_block + 1);
}

// What a complex parameter is in memory does not change on the way.
TEST(ModuleCuda, MovesParametersThereAndBack) {
  LRUREC_NEEDS_GPU();
  struct Pair : Module {
    Variable real = register_parameter("real", random_normal({3, 4}, DType::f32)),
             complex = register_parameter("complex", random_normal({5}, DType::c64));
  } module;
  const Tensor real = module.real.value(), complex = module.complex.value();
  module.real.set_grad(real);
  module.to(gpu);
  EXPECT_EQ(module.real.value().device(), gpu);
  EXPECT_FALSE(module.real.grad().defined());
  EXPECT_EQ(first_non_finite(module.complex.value()), -1);
  module.to(Device{});
  EXPECT_EQ(max_difference(module.real.value(), real), 0);
  EXPECT_EQ(max_difference(module.complex.value(), complex), 0);
}

}  // namespace
}  // namespace lrurec::nn
