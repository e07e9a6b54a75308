#include <sstream>

#include "ops/ops.h"
#include "tensor/saved_tensor.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec {
namespace {

using test::expect_error;

TEST(TensorCreate, TheDefaultDtypeIsF32) {
  for (const Tensor& t :
       {Tensor::empty({2}), Tensor::zeros({2}), Tensor::ones({2}), Tensor::full({2}, 3), Tensor::eye(2),
        Tensor::linspace(0, 1, 2), Tensor::rand({2}, 1), Tensor::randn({2}, 1)}) {
    EXPECT_EQ(t.dtype(), DType::f32);
  }
  EXPECT_EQ(Tensor::ones({3}, DType::c128).to_vector<c128>(), std::vector<c128>(3, 1.0));
}

TEST(TensorCreate, ScalarsAndListsHaveTheTypeOfTheirElements) {
  EXPECT_EQ(Tensor::scalar(3).dtype(), DType::i32);
  EXPECT_EQ(Tensor::scalar(3).item<std::int32_t>(), 3);
  EXPECT_EQ(Tensor::scalar(3.0).dtype(), DType::f64);
  EXPECT_EQ(Tensor::scalar(3.0F).dtype(), DType::f32);
  EXPECT_TRUE(Tensor::scalar(true).item<bool>());
  EXPECT_EQ(Tensor::from(std::vector<bool>{true, false, true}).to_vector<bool>(),
            (std::vector<bool>{true, false, true}));
  static_assert(Element<std::int64_t> && Element<c64> && !Element<std::size_t> && !Element<char>);
}

TEST(TensorCreate, ArangeDoesNotWrapAndStepsMayBeHuge) {
  test::expect_error(ErrorKind::internal, "3000000000 to 3000000002 does not fit i32",
                     [] { Tensor::arange(3000000000, 3000000002, 1, DType::i32); });
  EXPECT_EQ(Tensor::arange(10).slice(0, 0, 10, INT64_MAX).to_vector<std::int64_t>(),
            std::vector<std::int64_t>{0});
}

TEST(TensorCreate, EyeAndArange) {
  EXPECT_EQ(Tensor::eye(2, DType::f64).to_vector<double>(), (std::vector<double>{1, 0, 0, 1}));
  EXPECT_EQ(Tensor::eye(0).numel(), 0);
  EXPECT_EQ(Tensor::arange(3).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(Tensor::arange(2, 7, 2).to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 4, 6}));
  EXPECT_EQ(Tensor::arange(2, 6, 2).to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(Tensor::arange(3, -2, -2).to_vector<std::int64_t>(), (std::vector<std::int64_t>{3, 1, -1}));
  EXPECT_EQ(Tensor::arange(5, 5).numel(), 0);
  EXPECT_EQ(Tensor::arange(5, 0).numel(), 0);
  EXPECT_EQ(Tensor::arange(3, DType::f32).to_vector<float>(), (std::vector<float>{0, 1, 2}));
  expect_error(ErrorKind::internal, "[arange] the step is 0", [] { Tensor::arange(0, 1, 0); });
  expect_error(ErrorKind::internal, "[arange] dtype c64", [] { Tensor::arange(3, DType::c64); });
  expect_error(ErrorKind::internal, "negative size", [] { Tensor::eye(-1); });
}

TEST(TensorCreate, LinspaceEndsWhereItShouldAndIsSymmetric) {
  EXPECT_EQ(Tensor::linspace(0, 1, 5, DType::f64).to_vector<double>(),
            (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(Tensor::linspace(2, 5, 1, DType::f64).to_vector<double>(), std::vector<double>{2});
  EXPECT_EQ(Tensor::linspace(2, 5, 0).numel(), 0);
  const auto x = Tensor::linspace(-0.1, 0.1, 1000, DType::f64).to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i], -x[x.size() - 1 - i]);
  expect_error(ErrorKind::internal, "[linspace] dtype i32", [] { Tensor::linspace(0, 1, 2, DType::i32); });
}

TEST(TensorCreate, RandomNumbersAreAFunctionOfSeedStreamAndIndex) {
  const Philox random(7, 3);
  const Tensor u = Tensor::rand({2, 3}, Philox(7, 3), DType::f64),
               n = Tensor::randn({2, 3}, random, DType::f64);
  for (std::uint64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(u.to_vector<double>()[i], random.uniform(i));
    EXPECT_EQ(n.to_vector<double>()[i], random.normal(i));
  }
  EXPECT_EQ(test::max_difference(Tensor::rand({6}, {7, 3}), u.to(DType::f32).reshape({6})), 0);
  EXPECT_NE(Tensor::rand({1}, 7).item<float>(), Tensor::rand({1}, 8).item<float>());
  EXPECT_NE(Tensor::rand({1}, {7, 0}).item<float>(), Tensor::rand({1}, {7, 1}).item<float>());
  const Tensor z = Tensor::randn({3}, 7, DType::c128);
  EXPECT_EQ(z.to_vector<c128>()[1].imag(), std::sqrt(0.5) * Philox(7).normal(3));
  EXPECT_EQ(Tensor::randn({0, 2}, 7, DType::c64).shape(), (Shape{0, 2}));
  expect_error(ErrorKind::internal, "[rand] dtype i64", [] { Tensor::rand({2}, 1, DType::i64); });
}

TEST(TensorCreate, UniformNumbersStayBetweenZeroAndOne) {
  const auto u = Tensor::rand({100000}, 5).to_vector<float>();
  double sum = 0;
  for (const float x : u) {
    EXPECT_TRUE(x > 0 && x < 1) << x;
    sum += x;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
  // The first number of this seed lies so near to 1 that f32 would round it there.
  EXPECT_EQ(static_cast<float>(Philox(16390493).uniform(0)), 1.0F);
  EXPECT_EQ(Tensor::rand({1}, 16390493).item<float>(), 0x1.fffffep-1F);
}

TEST(Tensor, PermuteAndFlip) {
  const Tensor t = Tensor::arange(24, DType::f64).reshape({2, 3, 4});
  const Tensor p = t.permute({2, 0, -2});
  EXPECT_EQ(p.shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(test::max_difference(p, t.transpose(0, 2).transpose(1, 2)), 0);
  EXPECT_EQ(p.storage(), t.storage());
  expect_error(ErrorKind::internal, "[permute] 2 dimensions are named of shape [2, 3, 4]", [&] {
    t.permute({0, 1});
  });
  expect_error(ErrorKind::internal, "[permute] dimension 0 is named twice", [&] { t.permute({0, 1, 0}); });

  EXPECT_EQ(Tensor::arange(3).flip({0}).to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 1, 0}));
  const Tensor f = t.transpose(0, 1).flip({0, -1});
  EXPECT_EQ(f.select(0, 0).select(0, 0).to_vector<double>(), (std::vector<double>{11, 10, 9, 8}));
  EXPECT_EQ(test::max_difference(f.flip({0}).flip({2}), t.transpose(0, 1)), 0);
  EXPECT_EQ(test::max_difference(t.flip({}), t), 0);
  EXPECT_EQ(Tensor::zeros({0, 3}).flip({0, 1}).shape(), (Shape{0, 3}));
  expect_error(ErrorKind::internal, "[flip] dimension 1 is named twice", [&] { t.flip({1, -2}); });
  expect_error(ErrorKind::internal, "[flip] dimension 0 is named twice", [] {
    Tensor::ones({1}).broadcast_to({3}).flip({0, 0});
  });
}

TEST(Tensor, IsPrintedInRows) {
  EXPECT_EQ(Tensor::scalar(2.5).str(), "f64[] 2.5");
  EXPECT_EQ(Tensor::from(std::vector<bool>{true, false}).str(), "bool[2] [ true, false]");
  EXPECT_EQ(Tensor::from(std::vector<c64>{{1, -2}}).str(), "c64[1] [1-2i]");
  EXPECT_EQ(Tensor::from(std::vector<double>{1, 2, 3, -4, 5, 0.5}, {2, 3}).str(),
            "f64[2, 3]\n[[  1,   2,   3],\n [ -4,   5, 0.5]]");
  EXPECT_EQ(Tensor::zeros({1000000, 0}).str(), "f32[1000000, 0]\n[]");
  EXPECT_EQ(Tensor::from(std::vector<double>{std::copysign(NAN, -1), NAN}).str(), "f64[2] [nan, nan]");
  EXPECT_EQ(Tensor::scalar(c128(std::copysign(NAN, -1), std::copysign(NAN, -1))).str(), "c128[] nan+nani");
  EXPECT_EQ(Tensor().str(), "undefined");
  std::ostringstream out;
  out << Tensor::arange(4, 0, -2);
  EXPECT_EQ(out.str(), "i64[2] [4, 2]");
}

TEST(Tensor, LargeOnesArePrintedByTheirEnds) {
  EXPECT_EQ(Tensor::arange(1000).str(), "i64[1000] [  0,   1,   2, ..., 997, 998, 999]");
  EXPECT_EQ(Tensor::arange(28).broadcast_to({8, 28}).select(1, 3).str(), "i64[8] [3, 3, 3, 3, 3, 3, 3, 3]");
  EXPECT_EQ(Tensor::arange(28).broadcast_to({8, 28}).str(),
            "i64[8, 28]\n"
            "[[ 0,  1,  2, ..., 25, 26, 27],\n"
            " [ 0,  1,  2, ..., 25, 26, 27],\n"
            " [ 0,  1,  2, ..., 25, 26, 27],\n"
            " ...,\n"
            " [ 0,  1,  2, ..., 25, 26, 27],\n"
            " [ 0,  1,  2, ..., 25, 26, 27],\n"
            " [ 0,  1,  2, ..., 25, 26, 27]]");
}

TEST(SavedTensor, GivesTheTensorBackAndItsShapeWithoutValues) {
  const Tensor t = Tensor::arange(24, DType::f64).reshape({2, 3, 4});
  for (const Tensor& view :
       {t, t.transpose(0, 2), t.select(1, 2), t.slice(2, 1, 4, 2).select(0, 1), Tensor::scalar(2)}) {
    const SavedTensor saved(view), copied(saved);
    EXPECT_EQ(copied.tensor().storage(), view.storage());
    EXPECT_EQ(copied.tensor().strides(), view.strides());
    EXPECT_EQ(test::max_difference(copied.tensor(), view), 0);
    const SavedTensor alone(view, /*with_values=*/false);
    EXPECT_FALSE(alone.has_values() || alone.tensor().defined());
    EXPECT_EQ(alone.shape(), view.shape());
    EXPECT_EQ(alone.dtype(), view.dtype());
  }
}

TEST(IndexTensor, TakesIdsOfI32) {
  const Tensor table = Tensor::arange(6, DType::f32).reshape({3, 2});
  const Tensor rows = ops::raw::embedding(table, Tensor::from(std::vector<std::int32_t>{2, 0}));
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{4, 5, 0, 1}));
  expect_error(ErrorKind::internal, "ids: f32 [1] of dtype i64",
               [&] { ops::raw::embedding(table, Tensor::ones({1})); });
  expect_error(ErrorKind::internal, "ids: bool [1] of dtype i64",
               [&] { ops::raw::embedding(table, Tensor::scalar(true).reshape({1})); });
}

TEST(TensorCuda, FlipAndEyeAreThoseOfTheCpu) {
  LRUREC_NEEDS_GPU();
  const Tensor t = Tensor::arange(24, DType::f32).reshape({2, 3, 4});
  EXPECT_EQ(test::max_difference(t.to(test::gpu).flip({0, 2}).host(), t.flip({0, 2})), 0);
  EXPECT_EQ(test::max_difference(Tensor::eye(3, DType::f32, test::gpu).host(), Tensor::eye(3)), 0);
  EXPECT_EQ(t.to(test::gpu).str(), t.str());
}

TEST(TensorCreate, ArangeCountsWithoutOverflow) {
  EXPECT_EQ(Tensor::arange(0, 10, INT64_MAX).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(Tensor::arange(INT64_MIN, INT64_MAX, INT64_MAX / 2).numel(), 5);
  EXPECT_EQ(Tensor::arange(INT64_MAX, INT64_MIN, INT64_MIN).numel(), 2);
}

}  // namespace
}  // namespace lrurec
