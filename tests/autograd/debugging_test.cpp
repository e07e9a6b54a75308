// What helps to find a mistake: the printed graph, anomaly detection, hooks.

#include <sstream>
#include <stdexcept>

#include "autograd/anomaly.h"
#include "autograd/gradcheck.h"
#include "autograd/print_graph.h"
#include "ops/ops.h"
#include "tests/support/tensors.h"
#include "tests/support/variables.h"

namespace lrurec {
namespace {

using test::expect_error;
using test::leaf;

TEST(PrintGraph, HasALineForEachLeafAndOperation) {
  const Variable x = leaf({1, 2, 3});
  const Variable y = ops::sum(x * ops::exp(x) + Variable(Tensor::ones({3}, DType::f64)));
  EXPECT_EQ(print_graph(y),
            "#1 leaf f64[3]\n"
            "#2 exp f64[3] <- #1\n"
            "#3 mul f64[3] <- #1, #2\n"
            "#4 add f64[3] <- #3, constant\n"
            "#5 sum f64[] <- #4\n");
  EXPECT_EQ(print_graph_dot(ops::sum(ops::square(x))),
            "digraph {\n"
            "  node [fontname=\"sans-serif\"]\n"
            "  n1 [label=\"leaf f64[3]\" shape=box]\n"
            "  n2 [label=\"square f64[3]\"]\n"
            "  n1 -> n2\n"
            "  n3 [label=\"sum f64[]\"]\n"
            "  n2 -> n3\n"
            "}\n");
}

TEST(PrintGraph, NamesOutputsOfSeveralAndKeepsLinesOfLongChainsShort) {
  const Variable x = leaf({1, 2});
  const Variables both = record("my_op", {x, x}, Tensors{x.value(), Tensor::ones({}, DType::f64)},
                                [](const Tensors&, const Needs&) { return Tensors(2); });
  EXPECT_EQ(print_graph(both[1] + both[0]),
            "#1 leaf f64[2]\n"
            "#2 my_op f64[2], f64[] <- #1, #1\n"
            "#3 add f64[2] <- #2.1, #2\n");
  EXPECT_EQ(print_graph(x), "#1 leaf f64[2]\n");
  Variable y = x;
  for (int i = 0; i < 100000; ++i) y = ops::neg(y);
  EXPECT_LT(print_graph(y).size(), 100001u * 40);
  expect_error(ErrorKind::internal, "[print_graph] nothing was recorded", [&] { print_graph(x.detach()); });
}

TEST(Variable, IsPrinted) {
  std::ostringstream out;
  const Variable x = leaf({1, 2});
  out << x << '\n' << x * x << '\n' << x.detach() << '\n' << Variable();
  EXPECT_EQ(out.str(), "f64[2] [1, 2] requires_grad\nf64[2] [1, 4] of mul\nf64[2] [1, 2]\nundefined");
}

TEST(DetectAnomaly, NamesTheOperationWhoseBackwardMadeTheFirstNan) {
  const Variable x = leaf({4, 0, 1});
  const auto loss = [&] { return ops::sum(ops::sqrt(x) * 2.0); };
  loss().backward();  // nothing is checked without DetectAnomaly
  EXPECT_EQ(x.grad().to_vector<double>()[1], INFINITY);
  const DetectAnomaly anomaly;
  expect_error(ErrorKind::non_finite,
               "[sqrt] its backward made the gradient of input 0, f64[3], not finite: inf at [1]. The "
               "gradient that it "
               "was given was finite. Every output of the forward pass was finite.",
               [&] { loss().backward(); });
}

TEST(DetectAnomaly, RemembersTheFirstForwardThatWasNotFinite) {
  const Variable x = leaf({1, 0}), w = leaf({0, 0});
  {
    const DetectAnomaly anomaly;
    const Variable y = ops::log(x);  // -infinity
    const Variable z = y * w;        // NaN, but not the first
    EXPECT_EQ(anomaly.forward(), "log: f64[2] of f64[2], -inf at [1]");
    expect_error(ErrorKind::non_finite,
                 "[mul] its backward made the gradient of input 1, f64[2], not finite: -inf at [1]. The "
                 "gradient that it "
                 "was given was finite. In the forward pass, the first to make such a number was log:",
                 [&] { ops::sum(z).backward(); });
    {
      const DetectAnomaly inner;  // remembers only its own forward operations
      EXPECT_EQ(inner.forward(), "");
    }
    EXPECT_EQ(DetectAnomaly::current(), &anomaly);
  }
  EXPECT_EQ(DetectAnomaly::current(), nullptr);
}

TEST(DetectAnomaly, SaysWhereAnOperationWasGivenTheNan) {
  const Variable x = leaf({1, 2});
  const DetectAnomaly anomaly;
  expect_error(ErrorKind::non_finite,
               "[exp] its backward made the gradient of input 0, f64[2], not finite: nan at [0]. The "
               "gradient that it was given was not finite: nan at [0].",
               [&] { backward({ops::exp(x)}, {Tensor::full({2}, NAN, DType::f64)}); });
  const Variable z(Tensor::from(std::vector<c128>{{1, 1}}), true);
  expect_error(ErrorKind::non_finite, "[conj]", [&] {
    backward({ops::conj(z)}, {Tensor::from(std::vector<c128>{{0, INFINITY}})});
  });
  // Finite gradients pass, also where rows are added in place.
  ops::sum(ops::slice(x, 0, 0, 1) + ops::slice(x, 0, 1, 2)).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1, 1}));
}

TEST(Hooks, SeeTheSumOfAllUsesAndMayReplaceIt) {
  const Variable x = leaf({1, 2});
  const Variable y = x * 3.0;
  std::vector<std::vector<double>> seen;
  const auto see = [&seen](const Tensor& gradient) {
    seen.push_back(gradient.to_vector<double>());
    return Tensor();
  };
  y.register_hook(see);
  y.register_hook([](const Tensor& gradient) { return ops::raw::mul(gradient, Tensor::scalar(10.0)); });
  x.register_hook(see);
  ops::sum(y + y * 4.0).backward();
  EXPECT_EQ(seen, (std::vector<std::vector<double>>{{5, 5}, {150, 150}}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{150, 150}));
  // A leaf's hook sees the gradient of one walk, not what was accumulated before.
  ops::sum(x + x).backward();
  EXPECT_EQ(seen.back(), (std::vector<double>{2, 2}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{152, 152}));
}

TEST(Hooks, OfALeafReplaceWhatIsAccumulated) {
  const Variable x = leaf({1, 2});
  x.register_hook([](const Tensor& gradient) { return ops::raw::neg(gradient); });
  for (int walk = 1; walk <= 2;
       ++walk) {  // in the second, there is a gradient to which slices could be added
    ops::sum(ops::slice(x, 0, 0, 1) + ops::slice(x, 0, 1, 2) + x).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(2, -3.0 * walk));
    EXPECT_FALSE(x.grad().shares_memory());
  }
}

TEST(Hooks, MayWalkAnotherGraphButNotTheOneUnderWay) {
  const Variable x = leaf({0.5, 1}), other = leaf({1, 2});
  const Variable t = ops::exp(x), u = ops::sin(t), side = ops::sum(ops::square(t));
  const Variable elsewhere = ops::sum(ops::square(other));
  u.register_hook([&](const Tensor&) {
    if (!other.grad().defined()) elsewhere.backward();
    return Tensor();
  });
  const Variable loss = ops::sum(u * t);
  const Tensor one = Tensor::ones({}, DType::f64);
  backward({loss}, {one}, /*keep_graph=*/true);
  EXPECT_EQ(other.grad().to_vector<double>(), (std::vector<double>{2, 4}));

  const Tensor right = x.grad().clone();
  u.register_hook([&](const Tensor&) {
    backward({side}, {one}, /*keep_graph=*/true);
    return Tensor();
  });
  expect_error(ErrorKind::internal, "another walk is under way in this graph",
               [&] { backward({loss}, {one}, /*keep_graph=*/true); });
  // The walk that failed is over: the graph can be walked again.
  Variable(x).zero_grad();
  const Variable again = ops::sum(ops::sin(t) * t);
  again.backward();
  EXPECT_EQ(test::max_difference(x.grad(), right), 0);
}

TEST(Hooks, MayMakeAGraphAndWalkIt) {
  const Variable x = leaf({1, 2}), other = leaf({3, 4});
  std::vector<bool> recorded;
  const auto hook = [&](const Tensor&) {
    const Variable loss = ops::sum(ops::square(other));
    recorded.push_back(loss.requires_grad());
    if (loss.requires_grad()) loss.backward();
    return Tensor();
  };
  const Variable y = ops::square(x), loss = ops::sum(y);
  y.register_hook(hook);  // on an operation's output, and on a leaf
  x.register_hook(hook);
  backward({loss}, {Tensor::ones({}, DType::f64)}, /*keep_graph=*/true);
  EXPECT_EQ(other.grad().to_vector<double>(), (std::vector<double>{12, 16}));
  const NoGrad no_grad;
  loss.backward();
  EXPECT_EQ(recorded, (std::vector<bool>{true, true, false, false})) << "as where backward() was called";
}

TEST(Hooks, MayRegisterAnother) {
  const Variable x = leaf({1, 2});
  int calls = 0;
  x.register_hook([&](const Tensor&) {
    for (int i = 0; i < 20; ++i) {
      x.register_hook([&](const Tensor& gradient) {
        ++calls;
        return gradient * 2;
      });
    }
    return Tensor();
  });
  ops::sum(x).backward();
  EXPECT_EQ(calls, 20);
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1048576, 1048576}));
}

TEST(Hooks, ThatThrowLeaveDenseGradientsOfOtherLeaves) {
  const Variable w(Tensor::ones({1000}, DType::f64), true), e = leaf({1, 2});
  const Variable doubled = e * 2;
  doubled.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("enough"); });
  EXPECT_THROW((ops::sum(doubled) + ops::sum(w)).backward(), std::runtime_error);
  ASSERT_TRUE(w.grad().defined());  // the walk reached w before the hook threw
  EXPECT_TRUE(w.grad().is_contiguous());
  EXPECT_FALSE(w.grad().shares_memory());
}

TEST(Hooks, WhatDoesNotFitIsAnError) {
  const Variable x = leaf({1, 2}), y = x * 2.0;
  expect_error(ErrorKind::internal, "[register_hook] no gradient will come here",
               [&] { x.detach().register_hook([](const Tensor&) { return Tensor(); }); });
  y.register_hook([](const Tensor&) { return Tensor::ones({3}, DType::f64); });
  expect_error(ErrorKind::internal, "[register_hook] a hook gave f64 [3] for a gradient f64 [2]",
               [&] { ops::sum(y).backward(); });
}

// gradcheck's output gradients must differ from the numbers that inputs are commonly made of. Otherwise a
// norm whose backward gives zeros would pass, since its gradient along its own input is zero.
TEST(Gradcheck, ItsGradientsAreNotItsInputsAgain) {
  const auto unit = [](const Variables& in) {
    const Variable y = in[0] / ops::norm(in[0]);
    return Variables{
        record("my_op", {in[0]}, y.value(), [shape = in[0].shape()](const Tensor&, const Needs&) {
          return Tensors{Tensor::zeros(shape, DType::f64)};
        })};
  };
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    GradcheckOptions options;
    options.seed = seed;
    EXPECT_FALSE(
        gradcheck("unit", unit, {Variable(Tensor::randn({5}, Philox(seed, 0), DType::f64), true)}, options))
        << seed;
  }
}

TEST(Gradcheck, AnInputThatAnOperationMadeIsRefusedAndNothingIsLeftBehind) {
  const Variable leaf(Tensor::randn({2}, Philox(1, 0), DType::f64), true);
  const Tensor before = leaf.value();
  expect_error(ErrorKind::internal, "inputs must be leaves", [&] {
    gradcheck("sum", [](const Variables& in) { return Variables{in[0] + in[1]}; }, {leaf, leaf * 2.0});
  });
  EXPECT_EQ(leaf.value().storage(), before.storage());
}

TEST(Backward, AnErrorInABackwardNamesItsOperation) {
  const Variable x(Tensor::ones({2}, DType::f64), true);
  const Variable y = record("careless", {x}, x.value(),
                            [](const Tensor& dy, const Needs&) { return Tensors{dy.reshape({3})}; });
  expect_error(ErrorKind::internal, "[careless] in its backward: [reshape]", [&] { ops::sum(y).backward(); });
}

TEST(Backward, AGraphThatIsKeptIsWalkedAgain) {
  const Variable x(Tensor::ones({2}, DType::f64), true);
  const Variable loss = ops::sum(ops::square(x));
  loss.backward(/*keep_graph=*/true);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{4, 4}));
  EXPECT_TRUE(x.is_leaf());
  EXPECT_FALSE(loss.is_leaf());
}

TEST(Gradcheck, AForwardThatTakesItsInputForDenseOrIsRandomIsCaught) {
  const auto careless = [](const Variables& in) {
    Tensor y = Tensor::empty(in[0].shape(), DType::f64);
    const double* x = in[0].value().data<double>();  // whatever its strides are
    for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = 2 * x[i];
    return Variables{record("my_op", {in[0]}, y,
                            [](const Tensor& dy, const Needs&) { return Tensors{ops::raw::add(dy, dy)}; })};
  };
  const Variable x(Tensor::randn({2, 3}, Philox(1, 0), DType::f64), true);
  const auto found = gradcheck("careless", careless, {x});
  EXPECT_FALSE(found);
  EXPECT_NE(found.str("careless").find("where the inputs lie transposed in memory"), std::string::npos)
      << found.str("careless");
  std::uint64_t step = 0;
  const auto random = gradcheck("random",
                                [&](const Variables& in) {
                                  return Variables{ops::dropout(in[0], 0.5, {1, ++step})};
                                },
                                {x});
  EXPECT_FALSE(random);
  EXPECT_NE(random.str("random").find("is another when the function is called again"), std::string::npos);
}

// The 1 that a loss starts from is shared: every later backward would have started from the hook's 5.
TEST(Hooks, ThatWritesToTheGradientOfALossSpoilsNoOther) {
  const Variable x = leaf({1, 2});
  const Variable loss = ops::sum(x);
  loss.register_hook([](const Tensor& gradient) {
    Tensor(gradient).fill_(5);
    return Tensor();
  });
  loss.backward();
  const Variable y = leaf({1, 2});
  ops::sum(y).backward();
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{1, 1}));
}

TEST(Gradcheck, AnOptionalInputMayBeUndefinedAndNoneComesTwice) {
  const auto f = [](const Variables& in) { return Variables{ops::linear(in[0], in[1], in[2])}; };
  const Variable x = leaf({1, 2}), w(Tensor::ones({3, 2}, DType::f64), true);
  EXPECT_TRUE(gradcheck("linear", f, {x, w, Variable()}));
  const auto product = [](const Variables& in) { return Variables{in[0] * in[1]}; };
  expect_error(ErrorKind::internal, "one input is given twice", [&] { gradcheck("mul", product, {x, x}); });
}

// Regression: the walk went on over nodes that were freed with the list.
TEST(Hooks, MayEmptyTheListThatTheWalkStartedFrom) {
  const Variable x = leaf({1, 2});
  Variables outputs{ops::square(ops::exp(x) * 2.0)};
  outputs[0].register_hook([&](const Tensor&) {
    outputs.clear();
    return Tensor();
  });
  backward(outputs, {Tensor::ones({2}, DType::f64)});
  EXPECT_NEAR(x.grad().to_vector<double>()[0], 8 * std::exp(2), 1e-12);
}

TEST(Backward, AnErrorInAnAddIntoNamesItsOperation) {
  const Variable x = leaf({1, 2});
  const auto careless = record(
      "careless", {x}, x.value(), [](const Tensor& dy, const Needs&) { return Tensors{dy}; },
      [](const Tensor& dy, Tensor& total) { total.add_(dy.reshape({3})); });
  const Variable loss = ops::sum(careless);
  loss.backward(/*keep_graph=*/true);
  expect_error(ErrorKind::internal, "[careless] in its backward: [reshape]", [&] { loss.backward(); });
}

TEST(Variable, TakesAGradientWhereItIsALeafAndNoEmptyHook) {
  Variable x(Tensor::scalar(1.0F), true), y = ops::exp(x);
  expect_error(ErrorKind::internal, "[set_grad] only of a leaf; 'exp' made this variable",
               [&] { y.set_grad(Tensor::scalar(1.0F)); });
  x.set_grad(Tensor::scalar(2.0F));
  // An undefined Tensor has the shape and dtype of this one.
  expect_error(ErrorKind::internal, "[set_grad] the tensor is undefined", [&] { x.set_grad(Tensor()); });
  EXPECT_EQ(x.grad().item<float>(), 2);
  expect_error(ErrorKind::internal, "[register_hook] the hook is empty", [&] { x.register_hook(nullptr); });
}

}  // namespace
}  // namespace lrurec
