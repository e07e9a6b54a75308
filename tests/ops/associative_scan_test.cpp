#include "ops/associative_scan/associative_scan.h"

#include "autograd/gradcheck.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/linear_scan.h"
#include "ops/matmul/matmul.h"
#include "ops/shape/shape_ops.h"
#include "tests/support/compositions.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_abs;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

const Offsets awkward_lengths{0, 0, 1, 3, 3, 66, 130, 195, 595, 595};  // 0 1 2 0 63 64 65 400 0

Variables join_recurrences(const Variables& left, const Variables& right) {
  return {right[0] * left[0], right[0] * left[1] + right[1]};
}
Variables join_matrices(const Variables& left, const Variables& right) { return {matmul(right[0], left[0])}; }

TEST(AssociativeScan, OfLinearRecurrencesIsTheLinearScan) {
  const std::int64_t tokens = awkward_lengths.back();
  for (const DType dtype : {DType::f64, DType::c128}) {
    const Tensors inputs{raw::tanh(random_normal({tokens, 3}, dtype, 1)),
                         random_normal({tokens, 3}, dtype, 2)};
    const double difference = test::largest_difference(
        inputs,
        [](const Variables& x) {
          return Variables{
              associative_scan(join_recurrences, {x[0], x[1]}, Tensor::from(awkward_lengths))[1]};
        },
        [](const Variables& x) {
          return Variables{linear_scan(x[0], x[1], Tensor::from(awkward_lengths)).states};
        });
    EXPECT_LE(difference, dtype == DType::f64 ? 1e-11 : 1e-9);
  }
}

// The parts are the first and the last token of a range: the operator sees whether ranges touch, in order.
TEST(AssociativeScan, JoinsNeighbouringRangesInOrderAlone) {
  const std::int64_t tokens = awkward_lengths.back();
  std::vector<double> places;
  for (std::int64_t t = 0; t < tokens; ++t) places.push_back(static_cast<double>(t));
  const Variable own(Tensor::from(places, {tokens, 1}));
  std::int64_t calls = 0, pairs = 0;
  const auto join = [&](const Variables& left, const Variables& right) {
    const auto end = left[1].value().to_vector<double>(), begin = right[0].value().to_vector<double>();
    for (std::size_t i = 0; i < end.size(); ++i) EXPECT_EQ(end[i] + 1, begin[i]);
    ++calls;
    pairs += std::ssize(end);
    return Variables{left[0], right[1]};
  };
  const Variables ranges = associative_scan(join, {own, own}, Tensor::from(awkward_lengths));
  const auto first = ranges[0].value().to_vector<double>(), last = ranges[1].value().to_vector<double>();
  for (std::size_t s = 0; s + 1 < awkward_lengths.size(); ++s) {
    for (std::int64_t t = awkward_lengths[s]; t < awkward_lengths[s + 1]; ++t) {
      EXPECT_EQ(first[static_cast<std::size_t>(t)], static_cast<double>(awkward_lengths[s]));
      EXPECT_EQ(last[static_cast<std::size_t>(t)], static_cast<double>(t));
    }
  }
  EXPECT_LE(calls, 18);  // 2 log2(400)
  EXPECT_LT(pairs, 2 * tokens);
}

TEST(AssociativeScan, OfMatricesIsTheirProductInOrder) {
  const Offsets offsets{0, 5, 5, 6, 13};
  const Tensor m = random_normal({13, 2, 2}, DType::f64, 1);
  const Tensor products = associative_scan(join_matrices, {Variable(m)}, Tensor::from(offsets))[0].value();
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    Tensor product;
    for (std::int64_t t = offsets[s]; t < offsets[s + 1]; ++t) {
      product = product.defined() ? raw::matmul(m.select(0, t), product) : m.select(0, t);
      EXPECT_LE(max_difference(products.select(0, t), product), 1e-12 * (1 + max_abs(product))) << t;
    }
  }
}

TEST(AssociativeScan, HasTheGradientOfItsOperator) {
  const Tensor offsets = Tensor::from(Offsets{0, 1, 1, 6, 10});
  const auto matrices = [&](const Variables& x) { return associative_scan(join_matrices, {x[0]}, offsets); };
  const auto recurrence = [&](const Variables& x) { return associative_scan(join_recurrences, x, offsets); };
  // A running maximum, smooth so that differences can check it: log(e^a + e^b).
  const auto soft_maximum = [&](const Variables& x) {
    return associative_scan(
        [](const Variables& l, const Variables& r) { return Variables{log(exp(l[0]) + exp(r[0]))}; }, {x[0]},
        offsets);
  };
  const auto leaf = [](const Shape& shape, DType dtype, std::uint64_t seed) {
    return Variable(random_normal(shape, dtype, seed).contiguous(), true);
  };
  for (const DType dtype : {DType::f64, DType::c128}) {
    const auto of_matrices = gradcheck("matrices", matrices, {leaf({10, 2, 2}, dtype, 1)});
    EXPECT_TRUE(of_matrices) << of_matrices.str("matrices");
    const auto of_recurrence =
        gradcheck("recurrence", recurrence, {leaf({10, 2}, dtype, 1), leaf({10, 2}, dtype, 2)});
    EXPECT_TRUE(of_recurrence) << of_recurrence.str("recurrence");
  }
  const auto of_maximum = gradcheck("soft maximum", soft_maximum, {leaf({10, 3}, DType::f64, 1)});
  EXPECT_TRUE(of_maximum) << of_maximum.str("soft maximum");
}

TEST(AssociativeScan, NoTokensAndSingleOnesNeedNoOperator) {
  const auto never = [](const Variables&, const Variables&) -> Variables {
    ADD_FAILURE() << "there is nothing to join";
    return {};
  };
  const Variable none(Tensor::zeros({0, 2}, DType::f64)), three(random_normal({3, 2}, DType::f64, 1));
  EXPECT_EQ(associative_scan(never, {none}, Tensor::from(Offsets{0, 0}))[0].shape(), (Shape{0, 2}));
  const Variable same = associative_scan(never, {three}, Tensor::from(Offsets{0, 1, 1, 2, 3}))[0];
  EXPECT_EQ(max_difference(same.value(), three.value()), 0);
}

TEST(AssociativeScan, SaysWhatAnOperatorMustMake) {
  const Variable x(Tensor::zeros({4, 2}, DType::f64));
  const Tensor offsets = Tensor::from(Offsets{0, 4});
  expect_error(ErrorKind::internal, "[associative_scan] the operator makes 2 parts of 1", [&] {
    associative_scan(
        [](const Variables& l, const Variables&) {
          return Variables{l[0], l[0]};
        },
        {x}, offsets);
  });
  expect_error(ErrorKind::internal, "part 0: the operator makes f64 [1, 2] of f64 [2, 2]", [&] {
    associative_scan([](const Variables& l, const Variables&) { return Variables{slice(l[0], 0, 0, 1)}; },
                     {x}, offsets);
  });
  expect_error(ErrorKind::internal, "x has 4 tokens", [&] {
    associative_scan(join_recurrences, {x, x}, Tensor::from(Offsets{0, 3}));
  });
  expect_error(ErrorKind::internal, "there are none",
               [&] { associative_scan(join_recurrences, {}, offsets); });
}

}  // namespace
}  // namespace lrurec::ops
