#include "autograd/gradcheck.h"

#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec {
namespace {

using test::expect_error;

Variable leaf(const std::vector<double>& x) { return Variable(Tensor::from(x), true); }

TEST(Autograd, GradientsAccumulateOverUsesAndOverBackwardCalls) {
  Variable x = leaf({1, 2, 3});
  ops::sum(x * x + x * 2.0).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{4, 6, 8}));
  ops::sum(x).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{5, 7, 9}));
  x.zero_grad();
  EXPECT_FALSE(x.grad().defined());
}

// The gradient of a sum is a broadcast view whose entries share memory; adding to it in place would be wrong.
TEST(Autograd, SharedGradientMemoryIsNotWrittenTo) {
  Variable x = leaf({1, 2}), y = leaf({3, 4});
  const Variable s = x + y;
  (ops::sum(s) + ops::sum(s * 2.0) + ops::sum(x)).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{4, 4}));
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{3, 3}));
}

TEST(Autograd, AGradientThatSomebodyKeptStaysAsItWas) {
  Variable x = leaf({1, 2, 3});
  ops::sum(x * x).backward();
  const Tensor kept = x.grad();
  ops::sum(x * 2.0).backward();
  EXPECT_EQ(kept.to_vector<double>(), (std::vector<double>{2, 4, 6}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{4, 6, 8}));
}

TEST(Autograd, NoGradRecordsNothingAndNests) {
  Variable x = leaf({1});
  {
    const NoGrad outer;
    { const NoGrad inner; }
    EXPECT_FALSE(recording());
    EXPECT_FALSE((x * 2.0).requires_grad());
  }
  EXPECT_TRUE((x * 2.0).requires_grad());
  EXPECT_FALSE((x * 2.0).detach().requires_grad());
}

TEST(Autograd, TheGraphIsFreedByBackwardUnlessKept) {
  Variable x = leaf({2});
  const Variable y = ops::sum(ops::exp(x));
  backward({y}, {Tensor::scalar(1.0).reshape({})}, /*keep_graph=*/true);
  y.backward();
  EXPECT_DOUBLE_EQ(x.grad().item<double>(), 2 * std::exp(2.0));
  expect_error(ErrorKind::internal, "already walked", [&] { y.backward(); });
}

TEST(Autograd, OnlyARealScalarStartsBackward) {
  expect_error(ErrorKind::internal, "[backward]", [] { (leaf({1, 2}) * 2.0).backward(); });
  expect_error(ErrorKind::internal, "[backward]", [] { ops::sum(ops::to_complex(leaf({1}))).backward(); });
}

TEST(Autograd, AGradientOfTheWrongShapeNamesTheOperation) {
  Variable x = leaf({1, 2});
  const Variable y = record("careless", {x}, x.value().clone(), [](const Tensor&, const Needs&) {
    return Tensors{Tensor::zeros({3}, DType::f64)};
  });
  expect_error(ErrorKind::internal, "[careless]", [&] { ops::sum(y).backward(); });
}

TEST(Autograd, AVeryLongChainOverflowsNeitherInBackwardNorOnDestruction) {
  Variable x = leaf({0});
  Variable y = x;
  for (int i = 0; i < 200000; ++i) y = ops::neg(y);
  { const Variable dropped = ops::neg(y); }
  ops::sum(y).backward();
  EXPECT_EQ(x.grad().item<double>(), 1);
  Variable z = x;
  for (int i = 0; i < 200000; ++i) z = ops::neg(z);
}

TEST(Autograd, ComplexGradientDescends) {
  // L = |z - c|^2: the step z -= lr grad moves z towards c.
  Variable z(Tensor::from(std::vector<c128>{{3, -2}}), true);
  const Variable c(Tensor::from(std::vector<c128>{{1, 1}}));
  const Variable difference = z - c;
  ops::sum(ops::real(difference * ops::conj(difference))).backward();
  const c128 g = z.grad().item<c128>();
  EXPECT_NEAR(g.real(), 4, 1e-12);
  EXPECT_NEAR(g.imag(), -6, 1e-12);
}

TEST(Gradcheck, AWrongBackwardIsCaughtAndNamed) {
  // The derivative of conj is not the identity: only the imaginary part is wrong.
  const auto wrong_conj = [](const Variable& z) {
    return record("wrong_conj", {z}, ops::raw::conj(z.value()),
                  [](const Tensor& dy, const Needs&) { return Tensors{dy}; });
  };
  const Variable z(test::random_normal({2, 2}, DType::c128), true);
  const auto report =
      gradcheck("wrong_conj", [&](const Variables& x) { return Variables{wrong_conj(x[0])}; }, {z});
  EXPECT_FALSE(report);
  ASSERT_EQ(report.mismatches.size(), 4u);
  EXPECT_TRUE(report.mismatches[0].imaginary);
  EXPECT_EQ(report.mismatches[3].index, (std::vector<std::int64_t>{1, 1}));
  EXPECT_NE(report.str("wrong_conj").find("input 0, index [1, 1], imaginary part: analytic"),
            std::string::npos)
      << report.str("wrong_conj");
}

TEST(Gradcheck, AMissingGradientIsCaught) {
  const auto forgets_b = [](const Variable& a, const Variable& b) {
    return record("forgets_b", {a, b}, ops::raw::mul(a.value(), b.value()),
                  [b = b.value()](const Tensor& dy, const Needs&) {
                    return Tensors{ops::raw::mul(dy, b), Tensor()};
                  });
  };
  const Variable a(test::random_normal({3}, DType::f64, 1), true),
      b(test::random_normal({3}, DType::f64, 2), true);
  const auto report =
      gradcheck("forgets_b", [&](const Variables& x) { return Variables{forgets_b(x[0], x[1])}; }, {a, b});
  ASSERT_FALSE(report);
  for (const auto& mismatch : report.mismatches) EXPECT_EQ(mismatch.input, 1u);
}

// A plain sum as the loss would miss this: the error sums to zero.
TEST(Gradcheck, AnErrorThatSumsToZeroIsCaught) {
  const auto wrong_softmax = [](const Variable& x) {
    const Tensor y = ops::raw::softmax(x.value());
    return record("wrong_softmax", {x}, y, [y](const Tensor& dy, const Needs&) {
      const Tensor mean = ops::raw::mean(dy, {-1}, true);
      return Tensors{ops::raw::mul(y, ops::raw::sub(dy, mean))};
    });
  };
  const Variable x(test::random_normal({2, 5}, DType::f64), true);
  EXPECT_FALSE(
      gradcheck("wrong_softmax", [&](const Variables& v) { return Variables{wrong_softmax(v[0])}; }, {x}));
}

TEST(Gradcheck, ANonFiniteDerivativeFails) {
  const Variable zero(Tensor::zeros({1}, DType::f64), true);
  EXPECT_FALSE(gradcheck("sqrt", [](const Variables& x) { return Variables{ops::sqrt(x[0])}; }, {zero}));
}

TEST(Gradcheck, RefusesSinglePrecision) {
  const Variable x(Tensor::zeros({1}, DType::f32), true);
  expect_error(ErrorKind::internal, "f64 or c128",
               [&] { gradcheck("exp", [](const Variables& v) { return Variables{ops::exp(v[0])}; }, {x}); });
}

// A table used by a dense operation and by look-ups: the rows are added to the dense gradient in place.
TEST(Backward, RowsAreAddedToADenseGradient) {
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{2, 0, 2});
  const Variable table(test::random_normal({4, 3}, DType::f64, 1), true), alone(table.value(), true),
      dense(table.value(), true);
  const auto looked_up = [&](const Variable& t) { return ops::sum(ops::square(ops::embedding(t, ids))); };
  (looked_up(table) + ops::sum(ops::exp(table)) + looked_up(table)).backward();
  looked_up(alone).backward();
  ops::sum(ops::exp(dense)).backward();
  const Tensor expected =
      ops::raw::add(ops::raw::mul(alone.grad(), Tensor::full({}, 2, DType::f64)), dense.grad());
  EXPECT_LE(test::max_difference(table.grad(), expected), 1e-14);
  // A gradient that somebody else holds is not changed.
  const Tensor held = table.grad();
  const Tensor before = held.clone();
  looked_up(table).backward();
  EXPECT_EQ(test::max_difference(held, before), 0);
  EXPECT_LE(test::max_difference(table.grad(), ops::raw::add(before, alone.grad())), 1e-14);
}

}  // namespace
}  // namespace lrurec
