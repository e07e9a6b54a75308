#include "tensor/tensor.h"

#include "tensor/index_tensor.h"
#include "tests/support/tensors.h"

namespace lrurec {
namespace {

using test::expect_error;

Tensor counting(const Shape& shape) {
  std::vector<double> x(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  return Tensor::from(x, shape);
}

TEST(Tensor, ViewsShareMemory) {
  const Tensor t = counting({3, 4});
  t.transpose(0, 1).select(0, 2).fill_(-1);
  EXPECT_EQ(t.to_vector<double>(), (std::vector<double>{0, 1, -1, 3, 4, 5, -1, 7, 8, 9, -1, 11}));
  t.slice(1, 0, 4, 2).slice(0, 1, 2).fill_(9);
  EXPECT_EQ(t.select(0, 1).to_vector<double>(), (std::vector<double>{9, 5, 9, 7}));
}

TEST(Tensor, TransposeSliceAndReshapeKeepRowMajorOrder) {
  const Tensor t = counting({2, 3, 4});
  EXPECT_EQ(t.transpose(0, 2).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(t.transpose(0, 2).to_vector<double>()[1], 12);
  EXPECT_EQ(t.slice(2, 1, 4, 2).to_vector<double>(),
            (std::vector<double>{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23}));
  EXPECT_EQ(t.transpose(0, 1).reshape({6, -1}).select(0, 1).to_vector<double>(),
            (std::vector<double>{12, 13, 14, 15}));
}

TEST(Tensor, BroadcastStretchesOnlySizeOne) {
  const Tensor t = counting({3, 1});
  EXPECT_EQ(t.broadcast_to({2, 3, 2}).to_vector<double>(),
            (std::vector<double>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}));
  expect_error(ErrorKind::internal, "[broadcast_to]", [&] { t.broadcast_to({2, 2}); });
}

TEST(Tensor, ComplexAndRealViews) {
  const Tensor z = Tensor::from(std::vector<c128>{{1, 2}, {3, 4}, {5, 6}});
  EXPECT_EQ(z.view_as_real().shape(), (Shape{3, 2}));
  EXPECT_EQ(z.view_as_real().select(-1, 1).to_vector<double>(), (std::vector<double>{2, 4, 6}));
  EXPECT_EQ(test::max_difference(z.view_as_real().view_as_complex(), z), 0);
  // Pairs that do not lie together are brought together.
  const Tensor apart = counting({2, 3}).transpose(0, 1);
  EXPECT_EQ(apart.view_as_complex().to_vector<c128>()[1], c128(1, 4));
}

TEST(Tensor, ConversionRefusesToDropAnImaginaryPart) {
  expect_error(ErrorKind::internal, "imaginary", [] { Tensor::zeros({2}, DType::c64).to(DType::f32); });
  EXPECT_EQ(counting({2}).to(DType::c64).to_vector<c64>()[1], c64(1, 0));
  EXPECT_EQ(counting({3}).to(DType::i32).to_vector<std::int32_t>()[2], 2);
}

TEST(Tensor, EmptyTensorsAndScalars) {
  const Tensor none = Tensor::zeros({0, 3}, DType::f32);
  EXPECT_EQ(none.numel(), 0);
  EXPECT_TRUE(none.clone().to_vector<float>().empty());
  EXPECT_EQ(Tensor::scalar(2.5).item<double>(), 2.5);
  expect_error(ErrorKind::internal, "[item]", [&] { none.item<float>(); });
}

TEST(Tensor, SelectCountsFromTheEnd) {
  EXPECT_EQ(counting({2, 3}).select(1, -1).to_vector<double>(),
            counting({2, 3}).select(1, 2).to_vector<double>());
  EXPECT_EQ(counting({2, 3}).select(0, -2).to_vector<double>(),
            counting({2, 3}).select(0, 0).to_vector<double>());
}

TEST(Tensor, ShapesAndFillsAreTakenAtTheirWord) {
  EXPECT_EQ(Tensor::zeros({2, 3}).shape()[-1], 3);
  EXPECT_EQ(Tensor::zeros({2, 3}).shape()[-2], 2);
  for (const double no_whole : {0.5, 1e30, static_cast<double>(NAN)}) {
    expect_error(ErrorKind::internal, "is no number of i64",
                 [&] { Tensor::full({2}, no_whole, DType::i64); });
  }
  EXPECT_EQ(Tensor::full({1}, -3, DType::i32).to_vector<std::int32_t>()[0], -3);
  expect_error(ErrorKind::internal, "is not in -2..1", [] { Tensor::zeros({2, 3}).select(0, 5); });
}

TEST(Tensor, OffsetsOfLengths) {
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(offsets_of_lengths({3, 0, 4}).to_vector<std::int64_t>(), (Ids{0, 3, 3, 7}));
  EXPECT_EQ(offsets_of_lengths({}).to_vector<std::int64_t>(), (Ids{0}));
  EXPECT_EQ(offsets_of_steps(3).to_vector<std::int64_t>(), (Ids{0, 1, 2, 3}));
}

TEST(Tensor, ErrorsNameOperationShapesAndTypes) {
  expect_error(ErrorKind::internal, "[data] asked for f32 of a tensor of f64",
               [] { counting({2}).data<float>(); });
  expect_error(ErrorKind::internal, "[slice] 1:5:1 of dimension 1 of shape [2, 3]: 0 <= start <= end <= 3",
               [] {
                 counting({2, 3}).slice(1, 1, 5);
               });
  expect_error(ErrorKind::internal, "[select] index 3 of dimension 1 of shape [2, 3]", [] {
    counting({2, 3}).select(1, 3);
  });
  expect_error(ErrorKind::internal, "[select] index -4", [] { counting({2, 3}).select(1, -4); });
  expect_error(ErrorKind::internal, "[item] asked for f32 of a tensor of f64",
               [] { counting({1}).item<float>(); });
  expect_error(ErrorKind::internal, "[reshape]", [] { counting({2, 3}).reshape({4, 2}); });
  expect_error(ErrorKind::internal, "[from]", [] { Tensor::from(std::vector<float>{1, 2}, {3}); });
  expect_error(ErrorKind::internal, "more than 2^63", [] {
    Tensor::empty({std::int64_t{1} << 40, std::int64_t{1} << 40}, DType::f32);
  });
  expect_error(ErrorKind::out_of_memory, "out of memory",
               [] { Tensor::empty({std::int64_t{1} << 50}, DType::f32); });
}

TEST(Tensor, LargeStridedCopyInParallelIsTheSame) {
  const Tensor t = test::random_normal({300, 500}, DType::f64);
  EXPECT_EQ(test::max_difference(t.transpose(0, 1).contiguous().transpose(0, 1), t), 0);
  EXPECT_EQ(test::max_difference(test::strided_copy(t), t), 0);
}

TEST(DType, Promotion) {
  EXPECT_EQ(promote(DType::f32, DType::c64), DType::c64);
  EXPECT_EQ(promote(DType::f64, DType::c64), DType::c128);
  EXPECT_EQ(promote(DType::i64, DType::f32), DType::f32);
  EXPECT_EQ(promote(DType::boolean, DType::i32), DType::i32);
}

TEST(Tensor, SizesThatCannotBeAreErrors) {
  const Tensor t = Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6});
  for (const Shape& bad : {Shape{-2, -3}, Shape{-1, -1}, Shape{-6}, Shape{7}, Shape{-1, 4}}) {
    expect_error(ErrorKind::internal, "[reshape]", [&] { t.reshape(bad); });
  }
  expect_error(ErrorKind::internal, "[reshape]", [] { Tensor::zeros({0}, DType::f32).reshape({-1, 0}); });
  expect_error(ErrorKind::internal, "[reshape]", [&] { t.reshape({INT64_MAX, INT64_MAX}); });
  expect_error(ErrorKind::internal, "[broadcast_to]",
               [] { Tensor::zeros({1}, DType::f32).broadcast_to({-5}); });
  EXPECT_EQ(t.reshape({-1, 2}).shape(), (Shape{3, 2}));
}

// A size of 0 makes a tensor empty whatever the others are. Regression: the others were multiplied all the
// same.
TEST(Tensor, AnEmptyTensorMayHaveSizesThatCannotBeMultiplied) {
  const std::int64_t big = std::int64_t{1} << 40;
  for (const Shape& shape : {Shape{0, big, big}, Shape{big, 0, big}, Shape{big, big, 0}}) {
    const Tensor none = Tensor::zeros(shape, DType::c64);
    EXPECT_EQ(none.numel(), 0);
    EXPECT_EQ(none.strides(), (Shape{0, 0, 0}));
    EXPECT_TRUE(none.is_contiguous());
    for (const Tensor& other :
         {none.clone(), none.transpose(0, 2), none.reshape({big, big, 0}), none.to(DType::c128)}) {
      EXPECT_TRUE(other.to(DType::c128).to_vector<c128>().empty());
    }
    EXPECT_EQ(none.view_as_real().numel(), 0);
  }
}

TEST(Tensor, ASliceOfOneElementHasNoStride) {
  const Tensor last = counting({2, 3}).transpose(0, 1).slice(0, 2, 3, INT64_MAX);
  EXPECT_EQ(last.to_vector<double>(), (std::vector<double>{2, 5}));
  EXPECT_EQ(counting({2, 3}).slice(0, 0, 2, INT64_MAX).strides(), (Shape{3, 1}));
}

TEST(Tensor, WritingOverItsOwnSourceGivesWhatACopyWould) {
  const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9};
  Tensor t = Tensor::from(values, {3, 3});
  t.copy_(t.transpose(0, 1));
  EXPECT_EQ(t.to_vector<double>(), (std::vector<double>{1, 4, 7, 2, 5, 8, 3, 6, 9}));
  t = Tensor::from(values, {3, 3});
  t.add_(t.transpose(0, 1));
  EXPECT_EQ(t.to_vector<double>(), (std::vector<double>{2, 6, 10, 6, 10, 14, 10, 14, 18}));
  t = Tensor::from(values);
  t.slice(0, 1, 9).copy_(t.slice(0, 0, 8));
  EXPECT_EQ(t.to_vector<double>(), (std::vector<double>{1, 1, 2, 3, 4, 5, 6, 7, 8}));
  t.add_(t);
  EXPECT_EQ(t.to_vector<double>(), (std::vector<double>{2, 2, 4, 6, 8, 10, 12, 14, 16}));
  expect_error(ErrorKind::internal, "share memory",
               [] { Tensor::zeros({1}, DType::f64).broadcast_to({3}).fill_(1); });
  expect_error(ErrorKind::internal, "share memory",
               [] { Tensor::zeros({1}, DType::f64).broadcast_to({3}).add_(Tensor::zeros({3}, DType::f64)); });
}

// Regression: the results were undefined, and differed between machines.
TEST(Tensor, IntegersAreNumbersWithoutTheirFractionOrAnError) {
  const auto whole = [](double x, DType from, DType to) {
    return Tensor::full({3}, x, from).to(to).to(DType::f64).to_vector<double>()[2];
  };
  for (const DType real : {DType::f32, DType::f64}) {
    EXPECT_EQ(whole(-2.75, real, DType::i32), -2);
    EXPECT_EQ(whole(-0x1p31, real, DType::i32), -0x1p31);
    EXPECT_EQ(whole(-0x1p63, real, DType::i64), -0x1p63);
    for (const double out : {0x1p31, -0x1.1p31, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
      expect_error(ErrorKind::internal,
                   "[copy] " + std::string(name(real)) + " to i32: a number is out of its range",
                   [&] { whole(out, real, DType::i32); });
    }
    expect_error(ErrorKind::internal, "to i64", [&] { whole(0x1p63, real, DType::i64); });
  }
  EXPECT_EQ(whole(0x1p31 - 0.5, DType::f64, DType::i32), 0x1p31 - 1);
  EXPECT_EQ(whole(0x1p31 - 1, DType::i64, DType::i32), 0x1p31 - 1);
  EXPECT_EQ(whole(-0x1p31, DType::i64, DType::i32), -0x1p31);
  for (const double out : {0x1p31, -0x1p31 - 1, 0x1p40 + 5}) {
    expect_error(ErrorKind::internal, "[copy] i64 to i32: a number is out of its range",
                 [&] { whole(out, DType::i64, DType::i32); });
  }
  EXPECT_EQ(Tensor::full({1}, NAN, DType::f64).to(DType::boolean).item<bool>(), true);
  const Tensor pairs = Tensor::from(std::vector<double>{1, NAN, 2, NAN}, {2, 2});
  EXPECT_EQ(pairs.select(1, 0).to(DType::i64).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 2}));
}

// It has no dimensions, like a single number. Regression: its views were silently undefined again.
TEST(Tensor, AnUndefinedOneHasNoViews) {
  const Tensor none;
  expect_error(ErrorKind::internal, "[reshape] the tensor is undefined", [&] { none.reshape({1}); });
  expect_error(ErrorKind::internal, "[unsqueeze] the tensor is undefined", [&] { none.unsqueeze(0); });
}

}  // namespace
}  // namespace lrurec
