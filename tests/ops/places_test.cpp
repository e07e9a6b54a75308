// Operators, comparisons, parts of tensors and places in them: what they give, and what they refuse.

#include <omp.h>

#include "ops/ops.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace outside {  // a name is found here only through its arguments

using lrurec::Tensor;
using lrurec::Variable;

Variable arithmetic(const Variable& x) {
  Variable y = 1.0 - x;
  y += x;      // 1
  y *= 6;      // 6
  y -= x / 2;  // 6 - x / 2
  y /= 2.0F;   // 3 - x / 4
  return y + 2 / x - (1 + x) * 3 - -x;
}
Tensor arithmetic(const Tensor& x) { return 3 - x / 4 + 2.0 / x - (1 + x) * 3 - -x; }
Tensor between(const Tensor& x, const Variable& v) { return lrurec::ops::raw::logical_and(0 <= x, v < 2); }

}  // namespace outside

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_difference;
using Doubles = std::vector<double>;
using Ids = std::vector<std::int64_t>;
using Bools = std::vector<bool>;

Tensor row(const Doubles& x) { return Tensor::from(x); }

TEST(Operators, OfVariablesTensorsAndNumbers) {
  const Variable x(row({2, -4}), true);
  const Variable y = outside::arithmetic(x);
  // 3 - x / 4 + 2 / x - 3 - 3 x + x
  EXPECT_EQ(y.value().to_vector<double>(), (Doubles{-3.5, 8.5}));
  EXPECT_EQ(outside::arithmetic(x.value()).to_vector<double>(), (Doubles{-3.5, 8.5}));
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (Doubles{-2.25 - 0.5, -2.25 - 0.125}));
  EXPECT_EQ((Tensor::ones({2}) * 2.5).dtype(), DType::f32) << "a number takes the other's precision";
  EXPECT_EQ((2 * Tensor::ones({2}, DType::c64)).dtype(), DType::c64);
}

TEST(Operators, CompoundOnesReplaceTheVariableAndNotItsValue) {
  Variable x(row({1, 2}), true);
  const Variable leaf = x;
  x += 1;
  EXPECT_EQ(leaf.value().to_vector<double>(), (Doubles{1, 2}));
  sum(x * x).backward();
  EXPECT_EQ(leaf.grad().to_vector<double>(), (Doubles{4, 6}));
}

TEST(Compare, PromotesAndBroadcasts) {
  const Tensor x = row({-1, 0, 1, 2});
  EXPECT_EQ(outside::between(x, Variable(x)).to_vector<bool>(), (Bools{false, true, true, false}));
  EXPECT_EQ((x.unsqueeze(1) > row({0, 1})).shape(), (Shape{4, 2}));
  const Tensor ids = Tensor::from(Ids{0, 3, (std::int64_t{1} << 53) + 1});
  EXPECT_EQ(raw::equal(ids, 3).to_vector<bool>(), (Bools{false, true, false}));
  EXPECT_EQ((ids > 2.5).to_vector<bool>(), (Bools{false, true, true}));
  EXPECT_EQ(raw::equal(ids, 0x1p53).to_vector<bool>(), (Bools{false, false, false})) << "as integers";
  EXPECT_EQ((Tensor::from(std::vector<float>{0.1F}) <= 0.1).to_vector<bool>(), Bools{true}) << "as f32";
  EXPECT_EQ(raw::not_equal(x < 1, true).to_vector<bool>(), (Bools{false, false, true, true}));
  EXPECT_EQ(greater_equal(Variable(x), 1).to_vector<bool>(), (Bools{false, false, true, true}));
  EXPECT_EQ(equal(Variable(x), Variable(x)).to_vector<bool>(), Bools(4, true));
  EXPECT_EQ((Tensor::zeros({0, 2}) < 1).shape(), (Shape{0, 2}));
  expect_error(ErrorKind::internal, "[less] dtype c64", [] { Tensor::ones({1}, DType::c64) < 1; });
  expect_error(ErrorKind::internal, "[equal] shapes [4] and [3] cannot be broadcast",
               [&] { raw::equal(x, ids); });
  expect_error(ErrorKind::internal, "[logical_or] boolean tensors are needed, not f64",
               [&] { raw::logical_or(x < 1, x); });
}

TEST(Where, TakesEveryDtypeAndNamesWhatDoesNotFit) {
  const Tensor condition = Tensor::from(Bools{true, false}), ids = Tensor::from(Ids{7, 8});
  EXPECT_EQ(raw::where(condition, ids, -1).to_vector<std::int64_t>(), (Ids{7, -1}));
  EXPECT_EQ(raw::where(condition, Tensor::ones({2}), Tensor::ones({3, 1}, DType::c128)).dtype(), DType::c128);
  EXPECT_EQ(raw::masked_fill(ids, condition, 0).to_vector<std::int64_t>(), (Ids{0, 8}));
  // Regression: it gave i64 for booleans, and f64 for integers.
  EXPECT_EQ(raw::masked_fill(condition, condition, 0).to_vector<bool>(), (std::vector<bool>{false, false}));
  EXPECT_EQ(raw::masked_fill(ids.to(DType::i32), condition, -0x1p31).dtype(), DType::i32);
  EXPECT_EQ(raw::masked_fill(row({1, 2}).to(DType::c64), condition, 0.5).dtype(), DType::c64);
  EXPECT_EQ(raw::where(condition, condition, 1).dtype(), DType::boolean);
  EXPECT_EQ(raw::where(condition, 2, condition).dtype(), DType::i64);
  for (const double none : {0.5, 0x1p63, static_cast<double>(NAN)}) {
    expect_error(ErrorKind::internal, "[masked_fill] ", [&] { raw::masked_fill(ids, condition, none); });
  }
  expect_error(ErrorKind::internal, "[masked_fill] 2 is no number of bool",
               [&] { raw::masked_fill(condition, condition, 2); });
  EXPECT_EQ(raw::where(condition, ids, 0.5).to_vector<double>(), (Doubles{7, 0.5})) << "not cut off";
  EXPECT_EQ(raw::where(condition, ids.to(DType::i32), 9).to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{7, 9}));
  expect_error(ErrorKind::internal, "[where] the condition must be boolean, not i64",
               [&] { raw::where(ids, ids, ids); });
  expect_error(ErrorKind::internal, "[masked_fill] the mask [2] does not stretch to x: [1]",
               [&] { raw::masked_fill(row({1}), condition, 0); });
}

TEST(Reduce, DimensionsAreTypedAsOneLikes) {
  const Tensor x = Tensor::arange(6, DType::f64).reshape({2, 3});
  EXPECT_EQ(raw::sum(x, 0).to_vector<double>(), (Doubles{3, 5, 7}));
  EXPECT_EQ(raw::sum(x, {0}).to_vector<double>(), (Doubles{3, 5, 7}));
  EXPECT_EQ(raw::sum(x, -1, true).shape(), (Shape{2, 1}));
  EXPECT_EQ(raw::sum(x, {0, 1}).to_vector<double>(), Doubles{15});
  EXPECT_EQ(raw::sum(x, {}).to_vector<double>(), Doubles{15});
  EXPECT_EQ(raw::sum(x, std::vector<int>{1}).to_vector<double>(), (Doubles{3, 12}));
  EXPECT_EQ(raw::mean(x, 1).to_vector<double>(), (Doubles{1, 4}));
  static_assert(!std::is_constructible_v<Dims, bool>, "sum(x, true) does not mean sum(x, 1)");
}

TEST(Reduce, SmallestOnesVarianceAndSumsSoFar) {
  const Tensor x = row({4, -1, 5, -1, 2, 3}).reshape({2, 3});
  EXPECT_EQ(raw::argmin(x, 1).to_vector<std::int64_t>(), (Ids{1, 0}));
  EXPECT_EQ(raw::argmin(x, 0).to_vector<std::int64_t>(), (Ids{1, 0, 1}));
  EXPECT_EQ(raw::min(x, 1, true).to_vector<double>(), (Doubles{-1, -1}));
  EXPECT_EQ(raw::cumsum(x, 1).to_vector<double>(), (Doubles{4, 3, 8, -1, 1, 4}));
  EXPECT_EQ(raw::cumsum(x, 0).to_vector<double>(), (Doubles{4, -1, 5, 3, 1, 8}));
  EXPECT_EQ(raw::var(x, 0).to_vector<double>(), (Doubles{12.5, 4.5, 2}));
  EXPECT_EQ(raw::var(x, 0, 0).to_vector<double>(), (Doubles{6.25, 2.25, 1}));
  // A sum of many small f32 keeps its digits.
  const Tensor small = raw::cumsum(Tensor::full({1 << 20}, 0.1), 0);
  EXPECT_NEAR(small.to_vector<float>().back(), 104857.6, 0.02);
  expect_error(ErrorKind::internal, "[min] dimension 0 of shape [0] is empty",
               [] { raw::min(Tensor::zeros({0}), 0); });
  expect_error(ErrorKind::internal, "[logsumexp] dtype c64",
               [] { raw::logsumexp(Tensor::zeros({1}, DType::c64)); });
  expect_error(ErrorKind::internal, "[norm] dimension 2", [&] { raw::norm(x, 2); });
}

TEST(Shape, PartsAreViewsAndStackJoinsThemAgain) {
  const Tensor x = Tensor::arange(10, DType::f64).reshape({2, 5});
  const Tensors parts = raw::split(x, 2, 1), columns = raw::unbind(x, -1);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[2].to_vector<double>(), (Doubles{4, 9}));
  EXPECT_EQ(parts[2].shape(), (Shape{2, 1}));
  ASSERT_EQ(columns.size(), 5u);
  EXPECT_EQ(columns[3].to_vector<double>(), (Doubles{3, 8}));
  EXPECT_EQ(columns[3].storage(), x.storage());
  EXPECT_EQ(max_difference(raw::stack(columns, -1), x), 0);
  EXPECT_EQ(max_difference(raw::stack(columns, 0), x.transpose(0, 1)), 0);
  EXPECT_TRUE(unbind(Variable(Tensor::zeros({0, 3})), 0).empty());
  const Variable empty(Tensor::zeros({0, 3}, DType::f64), true);
  const Variables one = split(empty, 2, 0);
  ASSERT_EQ(one.size(), 1U);
  sum(concat(one, 0)).backward();
  EXPECT_EQ(empty.grad().shape(), (Shape{0, 3}));
  EXPECT_EQ(split(empty, 2, 1)[1].shape(), (Shape{0, 1}));
  expect_error(ErrorKind::internal, "[split] parts of size 0", [&] { raw::split(x, 0, 0); });
  expect_error(ErrorKind::internal, "[unbind]", [] { raw::unbind(Tensor::scalar(1.0), 0); });
  expect_error(ErrorKind::internal, "[stack] f64 [2] and f64 [3] differ", [] {
    raw::stack({row({1, 2}), row({1, 2, 3})}, 0);
  });
  expect_error(ErrorKind::internal, "[stack] no tensors", [] { raw::stack({}, 0); });
}

TEST(Shape, SliceAssignLeavesTheOldTensorAlone) {
  const Tensor x = Tensor::zeros({2, 3}, DType::f64);
  EXPECT_EQ(raw::slice_assign(x, 1, 1, 3, row({5, 6})).to_vector<double>(), (Doubles{0, 5, 6, 0, 5, 6}));
  EXPECT_EQ(test::max_abs(x), 0);
  expect_error(ErrorKind::internal, "[slice_assign] shapes [2, 2] and [3] cannot be broadcast", [&] {
    raw::slice_assign(x, 1, 1, 3, row({1, 2, 3}));
  });
  expect_error(ErrorKind::internal, "[slice_assign] values: c64 [] do not fit the slice: f64",
               [&] { raw::slice_assign(x, 1, 1, 3, Tensor::scalar(c64(1, 1))); });
  expect_error(ErrorKind::internal, "[slice] 2:4:1", [&] { raw::slice_assign(x, 1, 2, 4, row({1})); });
}

TEST(Gather, TakesAndAddsByDefinition) {
  const Tensor x = Tensor::arange(12, DType::f64).reshape({3, 4});
  const Tensor index = Tensor::from(Ids{3, 0, 0, 1}, {2, 2});
  EXPECT_EQ(raw::gather(x, 1, index).to_vector<double>(), (Doubles{3, 0, 4, 5}));
  EXPECT_EQ(raw::gather(x, 0, Tensor::from(Ids{2, 0, 1}, {1, 3})).to_vector<double>(), (Doubles{8, 1, 6}));
  const Tensor added =
      raw::scatter_add(x, 1, Tensor::from(Ids{3, 3, 0, 1}, {2, 2}), row({1, 2, 3, 4}).reshape({2, 2}));
  EXPECT_EQ(added.to_vector<double>(), (Doubles{0, 1, 2, 6, 7, 9, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(x.to_vector<double>()[3], 3) << "x itself stays";
  EXPECT_EQ(raw::gather(x, 1, Tensor::from(std::vector<std::int32_t>{2}, {1, 1})).to_vector<double>(),
            Doubles{2});
}

TEST(Gather, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({3, 4});
  expect_error(ErrorKind::internal, "[gather] index 4 at position 2 is not in 0..3", [&] {
    raw::gather(x, 1, Tensor::from(Ids{0, 3, 4, 0}, {2, 2}));
  });
  expect_error(ErrorKind::internal, "[scatter_add] index -1 at position 0 is not in 0..2", [&] {
    raw::scatter_add(x, 0, Tensor::from(Ids{-1}, {1, 1}), Tensor::zeros({1, 1}));
  });
  expect_error(ErrorKind::internal,
               "[gather] index: i64 [4, 1] must be i64 and, but along dimension 1, no larger", [&] {
                 raw::gather(x, 1, Tensor::zeros({4, 1}, DType::i64));
               });
  expect_error(ErrorKind::internal, "[gather] index: i64 [3] must be",
               [&] { raw::gather(x, 1, Tensor::zeros({3}, DType::i64)); });
  expect_error(ErrorKind::internal, "[gather] index: f32 [1, 1] must be i64", [&] {
    raw::gather(x, 1, Tensor::zeros({1, 1}));
  });
  expect_error(ErrorKind::internal, "[scatter_add] source: f32 [1, 2] must have the shape of index: [1, 1]",
               [&] {
                 raw::scatter_add(x, 0, Tensor::zeros({1, 1}, DType::i64), Tensor::zeros({1, 2}));
               });
}

Tensors scattered(Device device) {
  const std::int64_t rows = 300, n = 400;
  std::vector<std::int64_t> index;
  for (std::int64_t j = 0; j < rows * n; ++j) index.push_back(j * j % 7);
  const IndexTensor at = Tensor::from(index, {rows, n});
  const Variable x(test::random_normal({rows, 7}, DType::f32, 1).to(device), true),
      source(test::random_normal({rows, n}, DType::f32, 2).to(device), true);
  const Variable y = scatter_add(x, 1, at.to(device), source);
  sum(square(y) * gather(y, 1, IndexTensor(Tensor::from(index, {rows, n}).slice(1, 0, 7)).to(device)))
      .backward();
  return {y.value().host(), x.grad().host(), source.grad().host()};
}

TEST(Gather, ThreadsDoNotChangeABit) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Tensors one = scattered({});
  omp_set_num_threads(std::max(threads, 3));
  const Tensors several = scattered({});
  omp_set_num_threads(threads);
  for (std::size_t k = 0; k < one.size(); ++k) EXPECT_EQ(max_difference(one[k], several[k]), 0) << k;
}

TEST(GatherCuda, ManySumsInOneOrder) {
  LRUREC_NEEDS_GPU();
  const Tensors cpu = scattered({}), first = scattered(test::gpu);
  test::in_every_thread_order([&] {
    const Tensors again = scattered(test::gpu);
    for (std::size_t k = 0; k < cpu.size(); ++k) {
      EXPECT_EQ(max_difference(again[k], first[k]), 0) << k;
      EXPECT_LE(max_difference(again[k], cpu[k]), 2e-5 * (1 + test::max_abs(cpu[k]))) << k;
    }
  });
  expect_error(ErrorKind::internal, "[gather] index 4 at position 0 is not in 0..3", [&] {
    raw::gather(Tensor::zeros({4}, DType::f32, test::gpu), 0, Tensor::from(Ids{4}).to(test::gpu));
  });
}

TEST(Losses, ByDefinitionAndStable) {
  const Variable x(row({1, -2, 0}), true);
  EXPECT_DOUBLE_EQ(mse_loss(x, row({0, 0, 3})).value().item<double>(), 14.0 / 3);
  const auto term = [](double z, double t) {
    const double p = 1 / (1 + std::exp(-z));
    return -t * std::log(p) - (1 - t) * std::log(1 - p);
  };
  const Variable loss = binary_cross_entropy_with_logits(x, row({1, 0, 0.25}));
  EXPECT_NEAR(loss.value().item<double>(), (term(1, 1) + term(-2, 0) + term(0, 0.25)) / 3, 1e-15);
  loss.backward();
  const auto dx = x.grad().to_vector<double>();
  for (std::size_t i = 0; i < 3; ++i) {
    const double z = x.value().to_vector<double>()[i], t = Doubles{1, 0, 0.25}[i];
    EXPECT_NEAR(dx[i], (1 / (1 + std::exp(-z)) - t) / 3, 1e-15);
  }
  const auto bce = [](double z, double t) {
    return binary_cross_entropy_with_logits(Variable(row({z})), row({t})).value().item<double>();
  };
  EXPECT_EQ(bce(800, 0), 800);
  EXPECT_EQ(bce(-800, 1), 800);
  EXPECT_NEAR(bce(40, 1) / std::exp(-40.0), 1, 1e-13) << "not lost beside 40";
  EXPECT_NEAR(bce(-40, 0) / std::exp(-40.0), 1, 1e-13);
  EXPECT_TRUE(std::isnan(mse_loss(Variable(Tensor::zeros({0})), Tensor::zeros({0})).value().item<float>()));
  expect_error(ErrorKind::internal, "[mse_loss] x: f64 [3] and target: f64 [1] must be real and of one shape",
               [&] { mse_loss(x, row({1})); });
}

}  // namespace
}  // namespace lrurec::ops
