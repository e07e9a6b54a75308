#include "autograd/variable.h"

#include <thread>

#include "autograd/record.h"
#include "nn/optim/sgd.h"
#include "ops/ops.h"
#include "tests/support/tensors.h"
#include "tests/support/variables.h"

namespace lrurec {
namespace {

using test::expect_error;
using test::leaf;

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

TEST(Autograd, AValueChangedInPlaceIsNoticed) {
  const auto fails = [](const char* message, auto change) {
    Variable x = leaf({1, 2}), w = leaf({3, 4});
    const Variable y = ops::sum(ops::square(x * w));
    change(x, w);
    expect_error(ErrorKind::internal, message, [&] { y.backward(); });
  };
  fails("[mul] input 1 was changed in place", [](auto&, auto& w) { Tensor(w.value()).fill_(1); });
  fails("[mul] input 0 was changed in place",
        [](auto& x, auto&) { Tensor(x.value()).copy_(Tensor::zeros({2}, DType::f64)); });
  fails("[mul] input 0",
        [](auto& x, auto&) { Tensor(x.value()).slice(0, 1, 2).add_(Tensor::full({1}, 1, DType::f64)); });
  fails("[mul] input 0",
        [](auto& x, auto&) { x.value().template data<double>()[0] = 5, x.value().mark_changed(); });
  // Values that no backward needs may change.
  Variable x = leaf({1, 2}), z = leaf({3, 4});
  const Variable y = ops::sum(x + z);
  Tensor(x.value()).fill_(7);
  y.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1, 1}));
}

// Regression: after an optimiser's step between two backward passes over one graph, the second gave a
// gradient of 0 instead of 8, silently.
TEST(Autograd, AStepBetweenTwoBackwardPassesIsNoticed) {
  const Variable w = leaf({4});
  nn::SGD sgd({{{{"w", w}}}}, {.lr = 0.5});
  const Variable loss = ops::sum(w * w);
  backward({loss}, {Tensor::scalar(1.0).reshape({})}, /*keep_graph=*/true);
  EXPECT_EQ(w.grad().item<double>(), 8);
  sgd.step();
  expect_error(ErrorKind::internal, "[mul] input 1 was changed in place", [&] { loss.backward(); });
}

TEST(Autograd, BackwardWithoutAGraphSaysSo) {
  expect_error(ErrorKind::internal, "there is nothing to walk", [] {
    ops::sum(Variable(Tensor::from(std::vector<double>{1, 2}))).backward();
  });
  Variable x = leaf({1});
  const Variable y = [&] {
    const NoGrad no_grad;
    return ops::sum(x * x);
  }();
  expect_error(ErrorKind::internal, "there is nothing to walk", [&] { y.backward(); });
  expect_error(ErrorKind::internal, "backward({y}, {dy})", [&] { (leaf({1, 2}) * 2.0).backward(); });
}

TEST(Autograd, ALeafsGradientIsDenseAndItsOwn) {
  Variable x = leaf({1, 2}), y = leaf({3, 4});
  ops::sum(x + y).backward();
  EXPECT_TRUE(x.grad().is_contiguous());
  EXPECT_NE(x.grad().storage(), y.grad().storage());
  Variable z = leaf({1, 2, 3});
  const Tensor given = Tensor::from(std::vector<double>{1, 2, 3});
  backward({z * 1.0}, {given});
  EXPECT_NE(z.grad().storage(), given.storage());
  Variable summed = leaf({1, 2, 3});
  ops::sum(summed).backward();  // passes on one number, broadcast
  EXPECT_TRUE(summed.grad().is_contiguous());
}

// Regression: a leaf's gradient that was part of a large one kept all of the large one in memory.
TEST(Autograd, ALeafsGradientKeepsNoMoreMemoryThanItNeeds) {
  const Variable large(Tensor::ones({1 << 16}, DType::f64), true), small = leaf({1});
  ops::sum(ops::square(ops::concat({large, small}, 0))).backward();
  EXPECT_EQ(small.grad().item<double>(), 2);
  EXPECT_EQ(small.grad().storage()->bytes(), sizeof(double));
  EXPECT_EQ(large.grad().storage()->bytes(), sizeof(double) << 16);
}

TEST(Autograd, ThreadsMayMeetInALeaf) {
  Variable shared = leaf(std::vector<double>(1000, 1));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([shared] {
      for (int i = 0; i < 200; ++i) ops::sum(shared * 2.0).backward();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shared.grad().to_vector<double>(), std::vector<double>(1000, 4 * 200 * 2.0));
}

TEST(Autograd, WhatIsUndefinedIsAnErrorAndNoCrash) {
  const Tensor none;
  expect_error(ErrorKind::internal, "undefined", [&] { (void)none.raw(); });
  expect_error(ErrorKind::internal, "undefined", [&] { (void)none.clone(); });
  expect_error(ErrorKind::internal, "undefined", [&] { ops::raw::exp(none); });
  expect_error(ErrorKind::internal, "undefined", [&] { ops::raw::add(none, none); });
  expect_error(ErrorKind::internal, "at least one dimension", [&] { ops::raw::matmul(none, none); });
  Variable undefined;
  expect_error(ErrorKind::internal, "undefined",
               [&] { undefined.set_value(Tensor::zeros({1}, DType::f64)); });
  expect_error(ErrorKind::internal, "undefined", [&] { undefined.set_grad(Tensor::zeros({1}, DType::f64)); });
  expect_error(ErrorKind::internal, "undefined", [&] { undefined.backward(); });
  expect_error(ErrorKind::internal, "undefined", [&] { ops::exp(undefined); });
  expect_error(ErrorKind::internal, "undefined", [&] { ops::sum(undefined); });
  expect_error(ErrorKind::internal, "undefined", [&] { leaf({1}).set_value(none); });
}

// What README.md advises where a second derivative is needed: H v from two gradients.
TEST(Autograd, DifferencesOfGradientsMultiplyAHessian) {
  const Tensor w = test::random_normal({8}, DType::f64, 1), v = test::random_normal({8}, DType::f64, 2);
  const auto gradient = [&](double step) {
    const Tensor moved = ops::raw::add(w, ops::raw::mul(v, Tensor::scalar(step)));
    const Variable x(moved, true);
    ops::square(ops::sum(ops::sin(x))).backward();  // L = s^2 with s = sum sin(x)
    return x.grad();
  };
  const double eps = 1e-5;
  const Tensor difference = ops::raw::sub(gradient(eps), gradient(-eps));
  const Tensor product = ops::raw::mul(difference, Tensor::scalar(1 / (2 * eps)));
  // H v = 2 cos(w) (cos(w) . v) - 2 s sin(w) v
  const Tensor sine = ops::raw::sin(w), cosine = ops::raw::cos(w);
  const Tensor along = ops::raw::sum(ops::raw::mul(cosine, v));
  const Tensor expected = ops::raw::mul(
      Tensor::scalar(2.0), ops::raw::sub(ops::raw::mul(cosine, along),
                                         ops::raw::mul(ops::raw::sum(sine), ops::raw::mul(sine, v))));
  EXPECT_LE(test::max_difference(product, expected), 1e-9 * test::max_abs(expected));
}

// A list that a backward function holds is checked as well.
TEST(Autograd, AValueInAListThatWasChangedInPlaceIsNoticed) {
  const Variable x = leaf({1, 2});
  const Tensors list{Tensor::ones({2}, DType::f64), Tensor::ones({2}, DType::f64), x.value()};
  const auto backward_of = [list](const Tensor& dy, const Needs&) {
    return Tensors{ops::raw::mul(dy, list[1])};
  };
  const Variable y = record("my_op", {x}, x.value().clone(), backward_of);
  const Variable z = record("my_op", {x}, x.value().clone(), Backward(backward_of));
  Tensor(list[1]).fill_(2);
  for (const auto& one : {y, z}) {
    expect_error(ErrorKind::internal, "[my_op] a value that its backward needs was changed in place",
                 [&] { ops::sum(one).backward(); });
  }
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

TEST(Autograd, AFrozenLeafGetsNoGradientUntilItIsThawed) {
  Variable w = leaf({2, 3}), x = leaf({1, 2});
  ops::sum(w * x).backward();
  w.set_requires_grad(false);
  EXPECT_FALSE(w.requires_grad());
  EXPECT_FALSE(w.grad().defined()) << "an optimiser would go on moving it";
  EXPECT_FALSE((w * 2.0).requires_grad());
  ops::sum(w * x).backward();
  EXPECT_FALSE(w.grad().defined());
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{4, 6}));
  w.set_requires_grad(true);
  ops::sum(w * x).backward();
  EXPECT_EQ(w.grad().to_vector<double>(), (std::vector<double>{1, 2}));

  Variable made(Tensor::from(std::vector<double>{1}));
  made.set_requires_grad(true);
  ops::sum(made).backward();
  EXPECT_EQ(made.grad().to_vector<double>(), (std::vector<double>{1}));
  expect_error(ErrorKind::internal, "only of a leaf; 'mul' made this variable",
               [&] { (w * x).set_requires_grad(false); });
  Variable whole(Tensor::arange(3));
  expect_error(ErrorKind::internal, "i64 cannot carry a gradient", [&] { whole.set_requires_grad(true); });
}

// The Variable's Tensor is not copied with it. Changes in place would not be noticed, and the graph could
// keep itself alive.
TEST(Autograd, ABackwardThatHoldsAVariableIsRefused) {
  Variable x = leaf({1, 2});
  const char* why = "[my_op] its backward holds a Variable";
  expect_error(ErrorKind::internal, why, [&] {
    record("my_op", {x}, x.value(), [x](const Tensor& dy, const Needs&) { return Tensors{dy * x.value()}; });
  });
  const Variables list{x};
  expect_error(ErrorKind::internal, why, [&] {
    record("my_op", {x}, x.value(),
           [list](const Tensor& dy, const Needs&) { return Tensors{dy * list[0].value()}; });
  });
}

TEST(To, AnotherDtypeTakesItsGradientBack) {
  Variable x(Tensor::from(std::vector<float>{1, 2}), true);
  const Variable y = ops::to(x, DType::f64);
  EXPECT_EQ(y.dtype(), DType::f64);
  ops::sum(y * y).backward();
  EXPECT_EQ(x.grad().dtype(), DType::f32);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 4}));
  Variable z = leaf({1, 3});
  ops::sum(ops::real(ops::to(z, DType::c64) * Variable(Tensor::scalar(c64(0, 1))))).backward();
  EXPECT_EQ(z.grad().to_vector<double>(),
            (std::vector<double>{0, 0}));  // Re(i z) does not depend on a real z
  expect_error(ErrorKind::internal, "no gradient comes back through i64", [&] { ops::to(x, DType::i64); });
  expect_error(ErrorKind::internal, "c64", [&] { ops::to(ops::to(x, DType::c64), DType::f32); });
}

}  // namespace
}  // namespace lrurec
