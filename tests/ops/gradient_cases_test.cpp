// Checks that run over every gradient-check case.

#include "ops/gradient_cases/gradient_cases.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "autograd/print_graph.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::max_abs;
using test::max_difference;

class GradientCases : public testing::TestWithParam<std::size_t> {
 protected:
  const GradientCase& gradient_case() const { return gradient_cases()[GetParam()]; }
};

/// Gradients of Re(sum conj(c) y) with a fixed cotangent, and the outputs.
struct Result {
  Tensors outputs, gradients;
};
Result run(const GradientCase& one, Variables inputs) {
  Result result;
  const Variables outputs = one.function(inputs);
  Tensors cotangents;
  for (const auto& y : outputs) {
    result.outputs.push_back(y.value());
    cotangents.push_back(test::random_normal(y.shape(), y.dtype(), 5));
  }
  backward(outputs, cotangents);
  for (auto& x : inputs) {
    result.gradients.push_back(x.grad().defined() ? x.grad() : Tensor::zeros(x.shape(), x.dtype()));
  }
  return result;
}

TEST_P(GradientCases, GradientsAreTheDerivative) {
  for (const std::uint64_t seed : {1, 2}) {
    const auto report = check_gradients(gradient_case(), seed);
    EXPECT_TRUE(report) << report.str(gradient_case().name());
  }
}

TEST_P(GradientCases, SinglePrecisionFollowsDouble) {
  const Result single = run(gradient_case(), make_inputs(gradient_case(), DType::f32));
  const Result twice = run(gradient_case(), make_inputs(gradient_case(), DType::f64));
  for (std::size_t k = 0; k < single.outputs.size(); ++k) {
    EXPECT_LE(max_difference(single.outputs[k], twice.outputs[k]), 1e-5 * (1 + max_abs(twice.outputs[k])))
        << gradient_case().name() << ", output " << k;
    EXPECT_EQ(real_of(single.outputs[k].dtype()), DType::f32) << gradient_case().name();
  }
  for (std::size_t k = 0; k < single.gradients.size(); ++k) {
    EXPECT_LE(max_difference(single.gradients[k], twice.gradients[k]),
              2e-5 * (1 + max_abs(twice.gradients[k])))
        << gradient_case().name() << ", gradient " << k;
  }
}

TEST_P(GradientCases, StridedInputsGiveTheSame) {
  const Variables dense = make_inputs(gradient_case(), DType::f64);
  Variables strided;
  for (const auto& x : dense) strided.emplace_back(test::strided_copy(x.value()), true);
  const Result expected = run(gradient_case(), dense), actual = run(gradient_case(), strided);
  // Real elementwise kernels promise the same bits for any stride; complex arithmetic may be contracted
  // differently.
  const bool any_complex = std::any_of(gradient_case().inputs.begin(), gradient_case().inputs.end(),
                                       [](const InputSpec& x) { return x.complex; });
  const double tolerance = gradient_case().exact_when_strided && !any_complex ? 0 : 1e-13;
  for (std::size_t k = 0; k < expected.outputs.size(); ++k) {
    EXPECT_LE(max_difference(expected.outputs[k], actual.outputs[k]), tolerance) << gradient_case().name();
  }
  for (std::size_t k = 0; k < expected.gradients.size(); ++k) {
    EXPECT_LE(max_difference(expected.gradients[k], actual.gradients[k]), tolerance)
        << gradient_case().name();
  }
}

TEST_P(GradientCases, RecordsUnderItsName) {
  std::string graphs;
  for (const auto& y : gradient_case().function(make_inputs(gradient_case(), DType::f32))) {
    if (y.requires_grad() && !y.is_leaf()) graphs += print_graph(y);
  }
  EXPECT_NE(graphs.find(' ' + gradient_case().operation + ' '), std::string::npos) << graphs;
}

INSTANTIATE_TEST_SUITE_P(All, GradientCases, testing::Range<std::size_t>(0, gradient_cases().size()),
                         [](const testing::TestParamInfo<std::size_t>& test) {
                           std::string name = gradient_cases()[test.param].name();
                           for (char& c : name) {
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return std::to_string(test.param) + "_" + name;
                         });

/// Operations that tests record on purpose without a case: deliberately wrong or careless ones.
const std::set<std::string>& test_operations() {
  static const std::set<std::string> names{"wrong_conj",   "forgets_b", "wrong_softmax", "careless",
                                           "without_case", "my_op",     "cube"};
  return names;
}

/// Names that were recorded, are no test's own, and have no one.
std::vector<std::string> without_case(const std::set<std::string>& allowed) {
  std::set<std::string> known;
  for (const auto& one : gradient_cases()) known.insert(one.operation);
  std::vector<std::string> missing;
  for (const auto& name : recorded_operations()) {
    if (!known.contains(name) && !allowed.contains(name)) missing.push_back(name);
  }
  return missing;
}

// The check below would be worth nothing if it could not fail.
TEST(GradientCases, NoticesAnOperationWithoutACase) {
  const Variable x(Tensor::scalar(1.0), true);
  record("without_case", {x}, x.value(), [](const Tensor& dy, const Needs&) { return Tensors{dy}; });
  auto allowed = test_operations();
  allowed.erase("without_case");
  EXPECT_EQ(without_case(allowed), std::vector<std::string>{"without_case"});
}

// Runs after all tests, so that it sees every operation that anything in the suite recorded.
class EveryRecordedOperationHasACase : public testing::Environment {
 public:
  void TearDown() override {
    EXPECT_EQ(without_case(test_operations()), std::vector<std::string>{})
        << "these operations were recorded without a case in ops/gradient_cases";
  }
};
const auto* const registered = testing::AddGlobalTestEnvironment(new EveryRecordedOperationHasACase);

}  // namespace
}  // namespace lrurec::ops
