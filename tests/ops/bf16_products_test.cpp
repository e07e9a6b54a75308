#include "ops/matmul/bf16_products.h"

#include <functional>

#include "ops/ops.h"
#include "ops/primitives/bf16.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::max_abs;
using test::max_difference;
using test::random_normal;

struct Case {
  std::string name;
  std::function<Tensors(DType)> inputs;
  std::function<Variable(const Variables&)> output;
};

/// The operations that bf16 changes, at sizes with whole tiles, parts of them and an odd inner index.
std::vector<Case> cases() {
  const std::int64_t tokens = 131, H = 15, D = 9;
  const auto normals = [](std::vector<std::pair<Shape, bool>> shapes) {  // and whether complex
    return [shapes](DType real) {
      const DType complex = real == DType::f32 ? DType::c64 : DType::c128;
      Tensors inputs;
      for (const auto& [shape, is_complex] : shapes) {
        const auto seed = 1 + static_cast<std::uint64_t>(inputs.size());
        inputs.push_back((0.3 * Variable(random_normal(shape, is_complex ? complex : real, seed))).value());
      }
      return inputs;
    };
  };
  std::vector<Case> all{
      {"feed_forward",
       normals({{{tokens, H}, false}, {{61, H}, false}, {{61}, false}, {{H, 61}, false}, {{H}, false}}),
       [](const Variables& x) {
         return feed_forward(x[0], x[1], x[2], x[3], x[4], 0.3, {1, 2});
       }},
      {"lru",
       normals(
           {{{tokens, H}, false}, {{D}, true}, {{D, H}, true}, {{D}, true}, {{H, D}, true}, {{H}, false}}),
       [](const Variables& x) {
         const Tensor offsets = Tensor::from(std::vector<std::int64_t>{0, 1, 1, 70, 131});
         return lru(x[0], x[1], x[2], x[3], x[4], x[5], offsets).y;
       }},
  };
  // So few that the scores lie in the cache, so many that they lie in memory, and more than that.
  for (const std::int64_t classes : {301, 9'001, 100'001}) {
    std::vector<std::int64_t> labels;
    for (std::int64_t t = 0; t < tokens; ++t) labels.push_back(t % 7 == 3 ? -1 : t * 37 % classes);
    all.push_back({"linear_cross_entropy of " + std::to_string(classes) + " classes",
                   normals({{{tokens, H}, false}, {{classes, H}, false}, {{classes}, false}}),
                   [labels](const Variables& x) {
                     return linear_cross_entropy(x[0], x[1], x[2], Tensor::from(labels));
                   }});
  }
  return all;
}

/// The output, and gradients of the sum of its squares.
Tensors all_of(const Case& c, DType real) {
  Variables inputs;
  for (const Tensor& t : c.inputs(real)) inputs.emplace_back(t, true);
  const Variable y = c.output(inputs);
  sum(y * y).backward();
  Tensors results{y.value()};
  for (const Variable& x : inputs) results.push_back(x.grad());
  return results;
}

TEST(Bf16Products, DifferFromF32ByTheRoundingOfOperands) {
  for (const Case& c : cases()) {
    const Tensors exact = all_of(c, DType::f32), again = all_of(c, DType::f32);
    const Tensors rounded = [&] {
      const Bf16Products on;
      return all_of(c, DType::f32);
    }();
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(max_difference(exact[i], again[i]), 0) << c.name << " " << i;
      const double relative = max_difference(exact[i], rounded[i]) / max_abs(exact[i]);
      EXPECT_GT(relative, 0) << c.name << " " << i;
      EXPECT_LT(relative, 0.02) << c.name << " " << i;  // an operand's own is at most .004
    }
  }
}

TEST(Bf16Products, LeaveDoublesAndWhatRecordsNoGradientAlone) {
  for (const Case& c : cases()) {
    const Tensors doubles = all_of(c, DType::f64);
    const auto value = [&] {
      Variables inputs;
      for (const Tensor& t : c.inputs(DType::f32)) inputs.emplace_back(t, true);
      const NoGrad inference;
      return c.output(inputs).value();
    };
    const Tensor inferred = value();
    const Bf16Products on;
    const Tensors doubles_too = all_of(c, DType::f64);
    for (std::size_t i = 0; i < doubles.size(); ++i) EXPECT_EQ(max_difference(doubles[i], doubles_too[i]), 0);
    EXPECT_EQ(max_difference(inferred, value()), 0) << c.name;
  }
}

// A gradient belongs to the function that was computed: what is set between the passes changes nothing.
TEST(Bf16Products, BackwardMultipliesAsItsForwardDid) {
  for (const Case& c : cases()) {
    Variables inputs;
    for (const Tensor& t : c.inputs(DType::f32)) inputs.emplace_back(t, true);
    Variable loss;
    Tensors wanted;
    {
      const Bf16Products on;
      wanted = all_of(c, DType::f32);
      const Variable y = c.output(inputs);
      loss = sum(y * y);
      const Bf16Products off(false);
      EXPECT_FALSE(bf16_products());
    }
    loss.backward();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(max_difference(inputs[i].grad(), wanted[i + 1]), 0) << c.name << " " << i;
    }
  }
}

}  // namespace
}  // namespace lrurec::ops
