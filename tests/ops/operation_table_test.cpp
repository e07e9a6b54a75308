// Checks that run over every row of the operation table.

#include "ops/table/operation_table.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::max_abs;
using test::max_difference;

class OperationTable : public testing::TestWithParam<std::size_t> {
 protected:
  const OperationCase& row() const { return operation_table()[GetParam()]; }
};

/// Gradients of Re(sum conj(c) y) with a fixed cotangent, and the outputs.
struct Result {
  Tensors outputs, gradients;
};
Result run(const OperationCase& row, Variables inputs) {
  Result result;
  const Variables outputs = row.function(inputs);
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

TEST_P(OperationTable, GradientsAreTheDerivative) {
  for (const std::uint64_t seed : {1, 2}) {
    const auto report = check_gradients(row(), seed);
    EXPECT_TRUE(report) << report.str(row().name());
    EXPECT_TRUE(report.repeatable) << row().name();
  }
}

TEST_P(OperationTable, SinglePrecisionFollowsDouble) {
  const Result single = run(row(), make_inputs(row(), DType::f32));
  const Result twice = run(row(), make_inputs(row(), DType::f64));
  for (std::size_t k = 0; k < single.outputs.size(); ++k) {
    EXPECT_LE(max_difference(single.outputs[k], twice.outputs[k]), 1e-5 * (1 + max_abs(twice.outputs[k])))
        << row().name() << ", output " << k;
    EXPECT_EQ(real_of(single.outputs[k].dtype()), DType::f32) << row().name();
  }
  for (std::size_t k = 0; k < single.gradients.size(); ++k) {
    EXPECT_LE(max_difference(single.gradients[k], twice.gradients[k]),
              2e-5 * (1 + max_abs(twice.gradients[k])))
        << row().name() << ", gradient " << k;
  }
}

TEST_P(OperationTable, StridedInputsGiveTheSame) {
  const Variables dense = make_inputs(row(), DType::f64);
  Variables strided;
  for (const auto& x : dense) strided.emplace_back(test::strided_copy(x.value()), true);
  const Result expected = run(row(), dense), actual = run(row(), strided);
  // Real elementwise kernels promise the same bits for any stride; complex arithmetic may be contracted
  // differently.
  const bool any_complex =
      std::any_of(row().inputs.begin(), row().inputs.end(), [](const InputSpec& x) { return x.complex; });
  const double tolerance = row().exact_when_strided && !any_complex ? 0 : 1e-13;
  for (std::size_t k = 0; k < expected.outputs.size(); ++k) {
    EXPECT_LE(max_difference(expected.outputs[k], actual.outputs[k]), tolerance) << row().name();
  }
  for (std::size_t k = 0; k < expected.gradients.size(); ++k) {
    EXPECT_LE(max_difference(expected.gradients[k], actual.gradients[k]), tolerance) << row().name();
  }
}

TEST_P(OperationTable, RecordsUnderItsName) {
  run(row(), make_inputs(row(), DType::f32));
  const auto names = recorded_operations();
  EXPECT_TRUE(std::find(names.begin(), names.end(), row().operation) != names.end()) << row().name();
}

INSTANTIATE_TEST_SUITE_P(All, OperationTable, testing::Range<std::size_t>(0, operation_table().size()),
                         [](const testing::TestParamInfo<std::size_t>& test) {
                           std::string name = operation_table()[test.param].name();
                           for (char& c : name) {
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return std::to_string(test.param) + "_" + name;
                         });

/// Operations that tests record on purpose without a row: deliberately wrong or careless ones.
const std::set<std::string>& test_operations() {
  static const std::set<std::string> names{"wrong_conj", "forgets_b", "wrong_softmax", "careless",
                                           "without_row"};
  return names;
}

/// Names that were recorded, are no test's own, and have no row.
std::vector<std::string> without_row(const std::set<std::string>& allowed) {
  std::set<std::string> rows;
  for (const auto& row : operation_table()) rows.insert(row.operation);
  std::vector<std::string> missing;
  for (const auto& name : recorded_operations()) {
    if (!rows.contains(name) && !allowed.contains(name)) missing.push_back(name);
  }
  return missing;
}

// The check below would be worth nothing if it could not fail.
TEST(OperationRegistry, NoticesAnOperationWithoutARow) {
  const Variable x(Tensor::scalar(1.0), true);
  record("without_row", {x}, x.value(), [](const Tensor& dy, const Needs&) { return Tensors{dy}; });
  auto allowed = test_operations();
  allowed.erase("without_row");
  EXPECT_EQ(without_row(allowed), std::vector<std::string>{"without_row"});
}

// Runs after all tests, so that it sees every operation that anything in the suite recorded.
class EveryRecordedOperationHasARow : public testing::Environment {
 public:
  void TearDown() override {
    EXPECT_EQ(without_row(test_operations()), std::vector<std::string>{})
        << "these operations were recorded without a row in ops/table";
  }
};
const auto* const registered = testing::AddGlobalTestEnvironment(new EveryRecordedOperationHasARow);

}  // namespace
}  // namespace lrurec::ops
