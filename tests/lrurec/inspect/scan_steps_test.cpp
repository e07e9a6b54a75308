#include "lrurec/inspect/scan_steps.h"

#include <gtest/gtest.h>

#include "ops/ops.h"

namespace lrurec::inspect {
namespace {

using Complex = std::complex<double>;

TEST(ScanSteps, EndAtTheOperationsStates) {
  const Complex lambda(0.7, 0.4);
  for (std::int64_t length = 1; length <= 17; ++length) {
    std::vector<Complex> x;
    for (std::int64_t t = 0; t < length; ++t)
      x.emplace_back(static_cast<double>(t % 5) - 1, 0.25 * static_cast<double>(t));
    const auto steps = recursive_scan_steps(lambda, x);
    EXPECT_EQ(steps.front().values, x);
    const Variable input(Tensor::from(x, {length, 1}));
    const Tensor offsets = Tensor::from(std::vector<std::int64_t>{0, length});
    const Tensor states = ops::linear_scan(Variable(Tensor::from(std::vector<Complex>{lambda})), input,
                                           offsets, {}, ops::ScanAlgorithm::recursive)
                              .states.value();
    const auto one_by_one = sequential_scan(lambda, x);
    std::size_t joins = 0;
    while ((std::int64_t{1} << joins) < length) ++joins;
    EXPECT_EQ(steps.size(), joins + 1) << length;
    for (std::int64_t t = 0; t < length; ++t) {
      const auto at = static_cast<std::size_t>(t);
      EXPECT_LT(std::abs(steps.back().values[at] - states.data<Complex>()[t]), 1e-12) << length << " " << t;
      EXPECT_LT(std::abs(one_by_one[at] - states.data<Complex>()[t]), 1e-12) << length << " " << t;
    }
  }
}

TEST(ScanSteps, SayWhatIsAddedToWhat) {
  const auto steps = recursive_scan_steps(0.5, {1, 2, 3});
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].what, "join 1 + 1: h3 += lambda h2") << "the first stands beside padding";
  EXPECT_EQ(steps[2].what, "join 2 + 2: h2 += lambda h1, h3 += lambda^2 h1");
  EXPECT_EQ(steps[1].values, (std::vector<Complex>{1, 2, 4}));
  EXPECT_EQ(steps[2].values, (std::vector<Complex>{1, 2.5, 4.25}));
}

}  // namespace
}  // namespace lrurec::inspect
