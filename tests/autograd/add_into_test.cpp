// Gradients that are added where they belong (AddInto), so that a loop over time costs O(T).

#include "ops/ops.h"
#include "tests/support/tensors.h"
#include "tests/support/variables.h"

namespace lrurec {
namespace {

/// h_t = tanh(h_{t-1} + x_t), one slice after the other; the sum of all h.
Variable loop_over_time(const Variable& x) {
  Variable h(Tensor::zeros({1, x.size(1)}, x.dtype())), total = h;
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    h = ops::tanh(h + ops::slice(x, 0, t, t + 1));
    total = total + h;
  }
  return ops::sum(total);
}

/// Bytes that backward asks of the allocator.
std::size_t bytes_of_backward(const Variable& loss) {
  const std::size_t before = memory_stats().allocated;
  loss.backward();
  return memory_stats().allocated - before;
}

// Regression: each of the T slices of a [T, 64] tensor made a tensor of zeros with all T rows.
TEST(AddInto, ALoopOverTimeAsksForMemoryInProportionToItsLength) {
  const auto bytes = [](std::int64_t T, bool of_a_leaf) {
    const Variable leaf(test::random_normal({T, 64}, DType::f64), true);
    return static_cast<double>(bytes_of_backward(loop_over_time(of_a_leaf ? leaf : leaf * 2.0)));
  };
  for (const bool of_a_leaf : {true, false}) {
    EXPECT_LT(bytes(400, of_a_leaf), 5 * bytes(100, of_a_leaf)) << of_a_leaf;
  }
}

TEST(AddInto, SlicesGiveTheGradientsOfTheWhole) {
  const Variable x(test::random_normal({5, 3}, DType::f64), true), alone(x.value(), true);
  // Overlapping slices, beside a dense use that comes before or after them.
  const auto slices = [](const Variable& v) {
    return ops::sum(ops::square(ops::slice(v, 0, 0, 4))) + ops::sum(ops::exp(ops::slice(v, 0, 1, 5, 2)));
  };
  (slices(x) + ops::sum(ops::sin(x)) + slices(x)).backward();
  Tensor expected = ops::raw::cos(alone.value()).clone();
  for (int i = 0; i < 2; ++i) {
    slices(alone).backward();
    expected.add_(alone.grad());
    Variable(alone).zero_grad();
  }
  EXPECT_LE(test::max_difference(x.grad(), expected), 1e-14);
}

// y's total gradient shares memory with z's gradient, so nothing may be added to it in place.
TEST(AddInto, AGradientThatIsSharedIsNotWrittenTo) {
  const Variable a = test::leaf({1, 2}), b = test::leaf({3, 4});
  const Variable y = a * 1.0, z = b * 1.0;
  const Variable part = ops::slice(y, 0, 0, 1);
  const Variable both = record("my_op", {y, z}, y.value(), [](const Tensor& dy, const Needs&) {
    return Tensors{dy, dy};
  });
  (ops::sum(part) + ops::sum(both)).backward();
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{2, 1}));
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{1, 1}));
}

}  // namespace
}  // namespace lrurec
