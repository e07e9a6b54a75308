#include "autograd/gradcheck.h"

#include "ops/ops.h"
#include "tests/support/tensors.h"
#include "tests/support/variables.h"

namespace lrurec {
namespace {

using test::expect_error;
using test::leaf;

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

/// A copy of x whose backward is `backward`.
Variable with_backward(const Variable& x, Backward backward) {
  return record("my_op", {x}, x.value().clone(), std::move(backward));
}
GradcheckReport check_backward(const Backward& backward, const Variable& x,
                               const GradcheckOptions& options = {}) {
  return gradcheck(
      "my_op", [&](const Variables& v) { return Variables{with_backward(v[0], backward)}; }, {x}, options);
}

TEST(Gradcheck, ABackwardThatTakesItsGradientForDenseIsCaught) {
  const Variable x(test::random_normal({3, 4}, DType::f64), true);
  const auto report = check_backward(
      [](const Tensor& dy, const Needs&) {
        Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
        std::copy_n(dy.data<double>(), dy.numel(), dx.data<double>());
        return Tensors{dx};
      },
      x);
  EXPECT_FALSE(report);
  EXPECT_TRUE(report.mismatches.empty()) << "it is right for a dense one";
  EXPECT_NE(report.str("my_op").find("lies transposed in memory"), std::string::npos) << report.str("my_op");
  EXPECT_NE(report.str("my_op").find("stretched over its shape"), std::string::npos) << report.str("my_op");
}

TEST(Gradcheck, ABackwardThatWritesToItsGradientIsCaught) {
  const Variable x(test::random_normal({3}, DType::f64), true);
  const auto report = check_backward(
      [](const Tensor& dy, const Needs&) {
        const Tensor dx = dy.clone();
        dy.data<double>()[0] = 0;
        return Tensors{dx};
      },
      x);
  EXPECT_FALSE(report);
  EXPECT_NE(report.str("my_op").find("writes to the gradient it was given"), std::string::npos)
      << report.str("my_op");
}

// Regression: central differences used what the backward had left of the cotangent, so a right derivative was
// called wrong.
TEST(Gradcheck, ARightDerivativeInItsGradientsMemoryIsNoMismatch) {
  const auto in_place = [](const Variable& x) {
    const Tensor held = x.value().contiguous();
    return record("careless", {x}, ops::raw::square(held), [held](const Tensor& grad, const Needs&) {
      const Tensor dx = grad.contiguous();
      for (std::int64_t i = 0; i < dx.numel(); ++i) dx.data<double>()[i] *= 2 * held.data<double>()[i];
      return Tensors{dx};
    });
  };
  const auto report = gradcheck("in_place", [&](const Variables& x) { return Variables{in_place(x[0])}; },
                                {leaf({-3, 1, 4})});
  EXPECT_TRUE(report.mismatches.empty()) << report.str("in_place");
  ASSERT_EQ(report.problems.size(), 1U) << report.str("in_place");
  EXPECT_NE(report.problems[0].find("writes to the gradient it was given of output 0"), std::string::npos);
}

// The first walk is right. Regression: the finding stood only in the summary, in no list of problems.
TEST(Gradcheck, ABackwardThatChangesWhatItHoldsIsCaught) {
  const auto careless = [](const Variable& x) {
    const Tensor slope = ops::raw::mul(Tensor::scalar(2.0), x.value());
    return record("careless", {x}, ops::raw::square(x.value()), [slope](const Tensor& dy, const Needs&) {
      const Tensor dense = dy.contiguous();
      for (std::int64_t i = 0; i < slope.numel(); ++i) {
        slope.data<double>()[i] *= dense.data<double>()[i];
      }
      return Tensors{slope};
    });
  };
  const auto report =
      gradcheck("careless", [&](const Variables& x) { return Variables{careless(x[0])}; }, {leaf({1, 2, 3})});
  EXPECT_FALSE(report);
  EXPECT_TRUE(report.mismatches.empty());
  ASSERT_EQ(report.problems.size(), 1U) << report.str("careless");
  EXPECT_NE(report.problems[0].find("two backward passes gave different bits"), std::string::npos);
}

TEST(Gradcheck, AnInfiniteNumericDerivativeFails) {
  const Variable x(Tensor::full({1}, 1e308, DType::f64), true);  // x^2 is infinite on both sides
  const auto report =
      gradcheck("square", [](const Variables& v) { return Variables{ops::square(v[0])}; }, {x});
  EXPECT_FALSE(report);
  EXPECT_EQ(report.max_error, INFINITY);
  const Variable y(Tensor::full({1}, 1.7976931348623157e308, DType::f64), true);
  EXPECT_FALSE(gradcheck("mul", [](const Variables& v) { return Variables{v[0] * 1.0000001}; }, {y}));
}

TEST(Gradcheck, AZeroGradientMustStayZero) {
  const Variable x(test::random_normal({3}, DType::f64), true);
  EXPECT_FALSE(check_backward(
      [](const Tensor& dy, const Needs&) {
        Tensor dx = dy.clone();
        if (dy.contiguous().data<double>()[0] == 0) dx.fill_(1);
        return Tensors{dx};
      },
      x));
}

TEST(Gradcheck, NothingCheckedIsNotOk) {
  const Variable x(test::random_normal({3}, DType::f64));
  EXPECT_FALSE(gradcheck("exp", [](const Variables& v) { return Variables{ops::exp(v[0])}; }, {x}));
}

TEST(Gradcheck, TheLargestErrorIsReported) {
  const Variable x(Tensor::from(std::vector<double>{1, 2, 3}), true);
  const auto report = check_backward(
      [](const Tensor& dy, const Needs&) {
        return Tensors{ops::raw::mul(dy, Tensor::from(std::vector<double>{1.1, 5, 1.2}))};
      },
      x);
  EXPECT_GT(report.max_error, 0.1);
  double most = 0;
  for (const auto& m : report.mismatches) most = std::max(most, std::abs(m.analytic - m.numeric));
  EXPECT_EQ(report.max_error, most);
}

// 1 entry of 2,000 is wrong, and 8 are looked at one by one.
TEST(Gradcheck, ADirectionSeesTheEntriesThatWereNotDrawn) {
  GradcheckOptions options;
  options.entries = 8;
  for (const DType dtype : {DType::f64, DType::c128}) {
    const Variable x(test::random_normal({20, 100}, dtype), true);
    const Tensor before = x.value().clone();
    const auto right = check_backward([](const Tensor& dy, const Needs&) { return Tensors{dy}; }, x, options);
    EXPECT_TRUE(right) << right.str("my_op");
    EXPECT_EQ(right.checked, 9);
    EXPECT_EQ(test::max_difference(x.value(), before), 0) << "the values come back";
    const auto wrong = check_backward(
        [&](const Tensor& dy, const Needs&) {
          const Tensor dx = dy.clone();
          dx.reshape({2000}).slice(0, 777, 778).fill_(3);
          return Tensors{dx};
        },
        x, options);
    EXPECT_FALSE(wrong);
    EXPECT_NE(wrong.str("my_op").find("input 0 along a random direction: analytic"), std::string::npos)
        << wrong.str("my_op");
  }
  const Variable few(test::random_normal({2, 4}, DType::f64), true);
  EXPECT_EQ(check_backward([](const Tensor& dy, const Needs&) { return Tensors{dy}; }, few, options).checked,
            8)
      << "every entry, and no direction, where there are no more";
}

TEST(Gradcheck, EachInputAloneMustGetItsGradient) {
  const Variable a(test::random_normal({3}, DType::f64, 1), true),
      b(test::random_normal({3}, DType::f64, 2), true);
  const auto only_together = [](const Variables& v) {
    return Variables{record("my_op", v, ops::raw::mul(v[0].value(), v[1].value()),
                            [x = v[0].value(), y = v[1].value()](const Tensor& dy, const Needs& needs) {
                              const Tensor da = ops::raw::mul(dy, y), db = ops::raw::mul(dy, x);
                              return Tensors{da, needs[0] ? db : ops::raw::mul(db, db)};
                            })};
  };
  const auto report = gradcheck("my_op", only_together, {a, b});
  EXPECT_FALSE(report);
  EXPECT_NE(report.str("my_op").find("input 1 is another"), std::string::npos) << report.str("my_op");
}

TEST(Gradcheck, RefusesSinglePrecision) {
  const Variable x(Tensor::zeros({1}, DType::f32), true);
  expect_error(ErrorKind::internal, "f64 or c128",
               [&] { gradcheck("exp", [](const Variables& v) { return Variables{ops::exp(v[0])}; }, {x}); });
}

// Regression: no walk met a gradient that was there already, so AddInto was never called.
TEST(Gradcheck, AWrongAddIntoIsCaught) {
  const auto halved = [](const Variable& x) {
    return record(
        "my_op", {x}, ops::raw::mul(x.value(), Tensor::scalar(2.0)),
        [](const Tensor& dy, const Needs&) { return Tensors{ops::raw::mul(dy, Tensor::scalar(2.0))}; },
        [](const Tensor& dy, Tensor& total) { total.add_(dy); });
  };
  const auto report =
      gradcheck("my_op", [&](const Variables& x) { return Variables{halved(x[0])}; }, {leaf({1, 2, 3})});
  EXPECT_TRUE(report.mismatches.empty());
  ASSERT_EQ(report.problems.size(), 1U) << report.str("my_op");
  EXPECT_NE(report.problems[0].find("(AddInto)"), std::string::npos) << report.problems[0];
}

// Integer outputs beside values, such as the index of a largest element, must stay off the graph.
TEST(Gradcheck, OutputsOfIntegersStayOffTheGraph) {
  const Variable x = leaf({1, 2, 3});
  const Variables both =
      record("my_op", {x}, Tensors{ops::raw::square(x.value()), Tensor::arange(3)},
             [v = x.value()](const Tensors& dy, const Needs&) { return Tensors{2.0 * (dy[0] * v)}; });
  EXPECT_TRUE(both[0].requires_grad());
  EXPECT_FALSE(both[1].requires_grad());
  ops::sum(both[0]).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2, 4, 6}));
}

// Regression: all outputs had a gradient in every walk, so such a backward passed.
TEST(Gradcheck, ABackwardThatNeedsAllItsOutputsUsedIsCaught) {
  const auto two = [](const MultiBackward& backward) {
    return [backward](const Variables& x) {
      const Tensor v = x[0].value();
      return record("my_op", {x[0]}, Tensors{ops::raw::square(v), ops::raw::exp(v)}, backward);
    };
  };
  const Variable x = leaf({1, 2, 3});
  const Tensor twice = ops::raw::mul(x.value(), Tensor::scalar(2.0)), e = ops::raw::exp(x.value());
  const auto forgets = gradcheck("two", two([=](const Tensors& dy, const Needs&) {
                                   if (!dy[0].defined()) return Tensors(1);
                                   const Tensor dx = ops::raw::mul(dy[0], twice);
                                   return Tensors{dy[1].defined() ? dx + ops::raw::mul(dy[1], e) : dx};
                                 }),
                                 {x});
  EXPECT_TRUE(forgets.mismatches.empty());
  ASSERT_EQ(forgets.problems.size(), 1U) << forgets.str("two");
  EXPECT_NE(forgets.problems[0].find("where each output has a gradient in a walk of its own"),
            std::string::npos);
  const auto fails = gradcheck("two", two([=](const Tensors& dy, const Needs&) {
                                 return Tensors{ops::raw::mul(dy[0], twice) + ops::raw::mul(dy[1], e)};
                               }),
                               {x});
  ASSERT_EQ(fails.problems.size(), 1U) << fails.str("two");
  EXPECT_NE(fails.problems[0].find("where only output 0 has a gradient: [my_op] in its backward"),
            std::string::npos);
}

// No difference is ever larger than a tolerance of NaN, so everything would pass.
TEST(Gradcheck, RefusesTolerancesThatAreNoNumbersAndAnEmptyFunction) {
  const Variable x = leaf({1});
  const auto e = [](const Variables& v) { return Variables{ops::exp(v[0])}; };
  for (const GradcheckOptions& options : {GradcheckOptions{.atol = NAN}, GradcheckOptions{.rtol = -1},
                                          GradcheckOptions{.rtol = INFINITY}, GradcheckOptions{.eps = 0}}) {
    expect_error(ErrorKind::internal, "[gradcheck] eps = ", [&] { gradcheck("exp", e, {x}, options); });
  }
  expect_error(ErrorKind::internal, "[gradcheck] the function is empty",
               [&] { gradcheck("exp", nullptr, {x}); });
}

}  // namespace
}  // namespace lrurec
