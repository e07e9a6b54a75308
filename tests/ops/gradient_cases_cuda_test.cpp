// The gradient-check cases on a GPU: gradients, agreement with the CPU, and the same bits in every run.

#include <algorithm>
#include <cctype>

#include "ops/gradient_cases/gradient_cases.h"
#include "ops/to/to.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::gpu;
using test::max_abs;
using test::max_difference;

GradientCase on_gpu(const GradientCase& one) { return moved_to(one, gpu); }

struct Result {
  Tensors outputs, gradients;
};
Result run(const GradientCase& one, const Variables& inputs) {
  Result result;
  const Variables outputs = one.function(inputs);
  Tensors cotangents;
  for (const auto& y : outputs) {
    result.outputs.push_back(y.value());
    cotangents.push_back(test::random_normal(y.shape(), y.dtype(), 5));
  }
  backward(outputs, cotangents);
  for (const auto& x : inputs) {
    result.gradients.push_back(x.grad().defined() ? x.grad() : Tensor::zeros(x.shape(), x.dtype()));
  }
  return result;
}

void expect_near(const Tensors& actual, const Tensors& expected, double tolerance, const std::string& what) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    EXPECT_EQ(actual[k].dtype(), expected[k].dtype()) << what;
    EXPECT_LE(max_difference(actual[k], expected[k]), tolerance * (1 + max_abs(expected[k])))
        << what << " " << k;
  }
}

class GradientCasesCuda : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { LRUREC_NEEDS_GPU(); }
  const GradientCase& gradient_case() const { return gradient_cases()[GetParam()]; }
};

TEST_P(GradientCasesCuda, GradientsAreTheDerivative) {
  // Every entry is checked on the CPU, and both devices' gradients must agree (below).
  const auto report = check_gradients(on_gpu(gradient_case()), /*seed=*/1, /*entries=*/16);
  EXPECT_TRUE(report) << report.str(gradient_case().name());
}

TEST_P(GradientCasesCuda, AgreesWithTheCpu) {
  for (const auto& [dtype, tolerance] : {std::pair{DType::f32, 2e-5}, std::pair{DType::f64, 1e-12}}) {
    const Result cpu = run(gradient_case(), make_inputs(gradient_case(), dtype)),
                 cuda = run(on_gpu(gradient_case()), make_inputs(gradient_case(), dtype));
    expect_near(cuda.outputs, cpu.outputs, tolerance, gradient_case().name() + ", output");
    expect_near(cuda.gradients, cpu.gradients, tolerance, gradient_case().name() + ", gradient");
  }
}

/// The case's function with its outputs on the CPU.
GradientCase with_outputs_on_the_cpu(const GradientCase& one) {
  GradientCase result = one;
  result.function = [f = one.function](const Variables& x) {
    Variables outputs;
    for (const auto& y : f(x)) outputs.push_back(to(y, Device{}));
    return outputs;
  };
  return result;
}

Tensors on_the_cpu(const Tensors& tensors) {
  Tensors result;
  for (const auto& t : tensors) result.push_back(t.host());
  return result;
}

TEST_P(GradientCasesCuda, StridedInputsGiveTheSame) {
  Variables dense, strided;
  for (const auto& x : make_inputs(gradient_case(), DType::f32)) {
    dense.emplace_back(x.value().to(gpu), true);
    strided.emplace_back(test::strided_copy(x.value().to(gpu)), true);
  }
  const GradientCase function = with_outputs_on_the_cpu(gradient_case());
  const Result expected = run(function, dense), actual = run(function, strided);
  const double tolerance = gradient_case().exact_when_strided ? 1e-7 : 1e-5;
  expect_near(actual.outputs, expected.outputs, tolerance, gradient_case().name() + ", output");
  expect_near(on_the_cpu(actual.gradients), on_the_cpu(expected.gradients), tolerance,
              gradient_case().name() + ", gradient");
}

TEST_P(GradientCasesCuda, EveryRunGivesTheSameBits) {
  const auto inputs = [&] { return make_inputs(gradient_case(), DType::f32); };
  const Result expected = run(on_gpu(gradient_case()), inputs());
  test::in_every_thread_order([&] {
    const Result again = run(on_gpu(gradient_case()), inputs());
    expect_near(again.outputs, expected.outputs, 0, gradient_case().name() + ", output");
    expect_near(again.gradients, expected.gradients, 0, gradient_case().name() + ", gradient");
  });
}

class SeveralInputsCuda : public GradientCasesCuda {};

/// The cases of more than one input.
std::vector<std::size_t> cases_of_several_inputs() {
  std::vector<std::size_t> result;
  for (std::size_t k = 0; k < gradient_cases().size(); ++k) {
    if (gradient_cases()[k].inputs.size() > 1) result.push_back(k);
  }
  return result;
}

// One input at a time stays on the CPU: an error, or the right result where an operation copies; never a
// launch on it.
TEST_P(SeveralInputsCuda, OnTwoDevicesAreRefusedOrCopied) {
  const Variables inputs = make_inputs(gradient_case(), DType::f32);
  const Result expected = run(gradient_case(), make_inputs(gradient_case(), DType::f32));
  for (std::size_t left = 0; left < inputs.size(); ++left) {
    Variables mixed;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      mixed.emplace_back(i == left ? inputs[i].value() : inputs[i].value().to(gpu), true);
    }
    try {
      const Result actual = run(with_outputs_on_the_cpu(gradient_case()), mixed);
      const std::string what = gradient_case().name() + ", input " + std::to_string(left);
      expect_near(actual.outputs, expected.outputs, 2e-5, what + ", output");
      expect_near(on_the_cpu(actual.gradients), expected.gradients, 2e-5, what + ", gradient");
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find("points to host memory"), std::string::npos)
          << gradient_case().name() << ", input " << left << ": only the emulator noticed";
    }
  }
}

std::string case_name(const testing::TestParamInfo<std::size_t>& test) {
  std::string name = gradient_cases()[test.param].name();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return std::to_string(test.param) + "_" + name;
}

INSTANTIATE_TEST_SUITE_P(All, GradientCasesCuda, testing::Range<std::size_t>(0, gradient_cases().size()),
                         case_name);
INSTANTIATE_TEST_SUITE_P(All, SeveralInputsCuda, testing::ValuesIn(cases_of_several_inputs()), case_name);

}  // namespace
}  // namespace lrurec::ops
