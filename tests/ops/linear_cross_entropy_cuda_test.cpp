// The two ways of the prediction head on a GPU, against the plain kernel and against each other.

#include <cmath>
#include <limits>

#include "ops/linear_cross_entropy/head_tiles.h"
#include "ops/linear_cross_entropy/linear_cross_entropy.h"
#include "ops/linear_cross_entropy/linear_cross_entropy_reference.h"
#include "tensor/cuda/runtime.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::gpu;
using test::max_abs;
using test::max_difference;
using test::random_normal;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What the head reads, in f64 on the CPU.
struct Head {
  Tensor x, weight, bias;
  std::vector<std::int64_t> labels;

  Head(std::int64_t tokens, std::int64_t classes, std::int64_t H)
      : x(random_normal({tokens, H}, DType::f64, 1).contiguous()),
        weight(random_normal({classes, H}, DType::f64, 2).contiguous()),
        bias(random_normal({classes}, DType::f64, 3).contiguous()) {
    for (std::int64_t t = 0; t < tokens; ++t) labels.push_back(t % 5 == 3 ? -1 : t * 31 % classes);
  }
};

/// Loss and gradients of x, weight and bias by the plain kernel.
Tensors by_the_reference(const Head& h) {
  const auto like = [](const Tensor& t) { return Tensor::zeros(t.shape(), DType::f64); };
  const Tensors out{Tensor::zeros({1}, DType::f64), like(h.x), like(h.weight), like(h.bias)};
  const auto labelled = std::ssize(h.labels) - std::count(h.labels.begin(), h.labels.end(), -1);
  kernels::LinearCrossEntropy<double> f{h.x.size(0),
                                        h.x.size(1),
                                        h.weight.size(0),
                                        h.x.data<double>(),
                                        h.weight.data<double>(),
                                        h.bias.data<double>(),
                                        h.labels.data(),
                                        labelled,
                                        0,
                                        out[0].data<double>()};
  f.dx = out[1].data<double>(), f.dweight = out[2].data<double>(), f.dbias = out[3].data<double>();
  kernels::linear_cross_entropy(Reference{}, f);
  return out;
}

/// The same on the GPU in `dtype`; `shifted`: what it reads begins one element into its memory.
Tensors on_gpu(const Head& h, HeadAlgorithm algorithm, DType dtype, std::int64_t chunk = 0,
               bool shifted = false) {
  const auto there = [&](const Tensor& t) {
    const Tensor memory = Tensor::zeros({t.numel() + 1}, dtype, gpu);
    Tensor view = memory.slice(0, shifted ? 1 : 0, t.numel() + (shifted ? 1 : 0)).reshape(t.shape());
    view.copy_(t.to(dtype));
    return Variable(view, true);
  };
  const Variable x = there(h.x), weight = there(h.weight), bias = there(h.bias);
  const Variable loss = linear_cross_entropy(x, weight, bias, Tensor::from(h.labels), chunk, algorithm);
  loss.backward();
  const auto back = [](const Tensor& t) { return t.host().to(DType::f64); };
  return {back(loss.value()).reshape({1}), back(x.grad()), back(weight.grad()), back(bias.grad())};
}

void set_tf32(bool on) {
  if constexpr (cuda_enabled) cuda::set_tf32(on);
}

void expect_near(const Tensors& actual, const Tensors& expected, double tolerance, const std::string& what) {
  const char* names[] = {"loss", "dx", "dweight", "dbias"};
  for (std::size_t k = 0; k < expected.size(); ++k) {
    EXPECT_LE(max_difference(actual[k], expected[k]), tolerance * (1e-6 + max_abs(expected[k])))
        << what << ", " << names[k];
  }
}

void expect_both(const std::string& what, const Head& h, std::int64_t chunk = 0, bool shifted = false) {
  const Tensors expected = by_the_reference(h);
  for (const DType dtype : {DType::f64, DType::f32}) {
    const double tolerance = dtype == DType::f64 ? 1e-11 : 3e-5;
    const Tensors chunked = on_gpu(h, HeadAlgorithm::chunked, dtype);
    expect_near(chunked, expected, tolerance, what + ", chunked");
    const Tensors first = on_gpu(h, HeadAlgorithm::two_pass, dtype, chunk, shifted);
    expect_near(first, expected, tolerance, what + ", two passes");
    expect_near(first, chunked, tolerance, what + ", one way and the other");
  }
}

TEST(LinearCrossEntropyCuda, BothWaysAreThePlainKernel) {
  LRUREC_NEEDS_GPU();
  expect_both("less than a tile", Head(5, 7, 3));
  expect_both("one of each", Head(1, 1, 1));
  expect_both("no columns", Head(5, 7, 0));
  expect_both("whole tiles", Head(64, 128, 64));
  expect_both("one more than tiles", Head(65, 129, 8));
  expect_both("splits of one tile", Head(70, 300, 12));
  expect_both("splits of two tiles, the last one short", Head(200, 300, 12), 100);
  expect_both("one split", Head(130, 200, 5), 1000);
  expect_both("rows of two slices", Head(70, 90, 100));
  expect_both("rows of three slices, odd", Head(66, 70, 131));
  expect_both("not aligned", Head(66, 70, 64), 0, true);
}

TEST(LinearCrossEntropyCuda, TwoPassesHaveTheSameBitsInAnyThreadOrder) {
  LRUREC_NEEDS_GPU();
  const Head h(150, 200, 68);
  for (const DType dtype : {DType::f64, DType::f32}) {
    Tensors first;
    test::in_every_thread_order([&] {
      const Tensors again = on_gpu(h, HeadAlgorithm::two_pass, dtype, 128);
      if (first.empty()) first = again;
      for (std::size_t k = 0; k < first.size(); ++k) EXPECT_EQ(max_difference(again[k], first[k]), 0) << k;
    });
  }
}

// Minus infinity takes a class out; where a split, or a lane, has no other, it has no maximum.
TEST(LinearCrossEntropyCuda, ClassesOfBiasMinusInfinityAreLeftOut) {
  LRUREC_NEEDS_GPU();
  Head h(9, 260, 6);
  for (std::int64_t c = 0; c < 260; ++c) {
    if (c < 130 || c % 64 != 5) h.bias.data<double>()[c] = -infinity;
  }
  for (auto& label : h.labels) label = label < 0 ? -1 : label % 2 == 0 ? 133 : 197;
  const Tensors expected = by_the_reference(h);
  ASSERT_TRUE(std::isfinite(max_abs(expected[0])));
  for (const std::int64_t chunk : {0, 128, 1000}) {
    expect_near(on_gpu(h, HeadAlgorithm::two_pass, DType::f64, chunk), expected, 1e-11, "minus infinity");
    expect_near(on_gpu(h, HeadAlgorithm::two_pass, DType::f32, chunk), expected, 3e-5, "minus infinity");
  }
}

TEST(LinearCrossEntropyCuda, LargeScoresDoNotOverflowAndNanIsNoticed) {
  LRUREC_NEEDS_GPU();
  for (const double large : {1e8, -1e8}) {
    Head h(3, 140, 4);
    for (std::int64_t i = 0; i < h.x.numel(); ++i) h.x.data<double>()[i] = 0;
    for (std::int64_t c = 0; c < 140; ++c) h.bias.data<double>()[c] = c % 139 == 0 ? large : -infinity;
    h.labels = {0, 139, -1};
    const Tensors found = on_gpu(h, HeadAlgorithm::two_pass, DType::f32);
    EXPECT_NEAR(found[0].item<double>(), std::log(2.0), 1e-6);
    EXPECT_NEAR(found[3].data<double>()[0], 0, 1e-6) << "half of one token's, half of the other's";
  }
  for (const std::int64_t token : {1, 3}) {  // token 3 has no label
    Head h(5, 200, 4);
    h.x.data<double>()[token * 4] = NAN;
    for (const auto algorithm : {HeadAlgorithm::chunked, HeadAlgorithm::two_pass}) {
      EXPECT_EQ(std::isnan(on_gpu(h, algorithm, DType::f32)[0].item<double>()), token == 1);
    }
  }
}

// Ten bits of mantissa: near the plain kernel, but not as near as without.
TEST(LinearCrossEntropyCuda, TwoPassesFollowTheChoiceOfTf32) {
  LRUREC_NEEDS_GPU();
  const Head h(140, 150, 70);
  const Tensors expected = by_the_reference(h);
  Tensors first;
  test::in_every_thread_order([&] {
    set_tf32(true);
    const Tensors found = on_gpu(h, HeadAlgorithm::two_pass, DType::f32, 128);
    const Tensors in_double = on_gpu(h, HeadAlgorithm::two_pass, DType::f64, 128);
    set_tf32(false);
    expect_near(found, expected, 1e-2, "TF32");
    expect_near(in_double, expected, 1e-11, "doubles beside TF32");
    if (first.empty()) first = found;
    for (std::size_t k = 0; k < first.size(); ++k) {
      EXPECT_EQ(max_difference(found[k], first[k]), 0) << k;
      EXPECT_GT(max_difference(found[k], expected[k]), 1e-6 * max_abs(expected[k])) << k;
    }
  });
}

// There dX is a small difference of W[label] and a mean of W that is nearly it: both must be rounded.
TEST(LinearCrossEntropyCuda, Tf32KeepsTheGradientOfATokenThatIsNearlyCertain) {
  LRUREC_NEEDS_GPU();
  Head h(60, 70, 64);
  for (std::int64_t t = 0; t < 60; ++t) {
    h.labels[static_cast<std::size_t>(t)] = t;
    for (std::int64_t k = 0; k < 64; ++k) {
      h.x.data<double>()[t * 64 + k] = 0.25 * h.weight.data<double>()[t * 64 + k];
    }
  }
  h.bias.copy_(Tensor::zeros({70}, DType::f64));
  const Tensors expected = by_the_reference(h);
  ASSERT_LT(expected[0].item<double>(), 2e-3) << "the mean of -log p(label)";
  set_tf32(true);
  const Tensors chunked = on_gpu(h, HeadAlgorithm::chunked, DType::f32),
                found = on_gpu(h, HeadAlgorithm::two_pass, DType::f32);
  set_tf32(false);
  expect_near(chunked, expected, 1e-2, "chunked");
  expect_near(found, expected, 1e-2, "two passes");
}

TEST(LinearCrossEntropyCuda, WithoutGradientsTheLossIsTheSame) {
  LRUREC_NEEDS_GPU();
  const Head h(70, 150, 6);
  const NoGrad no_grad;
  const Variable loss =
      linear_cross_entropy(Variable(h.x.to(gpu)), Variable(h.weight.to(gpu)), Variable(h.bias.to(gpu)),
                           Tensor::from(h.labels), 0, HeadAlgorithm::two_pass);
  EXPECT_NEAR(loss.value().item<double>(), by_the_reference(h)[0].item<double>(), 1e-12);
}

// Every column once, and about as many blocks as are wanted.
TEST(LinearCrossEntropyCuda, TilesCoverAllColumns) {
  for (const auto& [tile_rows, resident] : {std::pair{64, 1}, std::pair{64, 3}, std::pair{128, 2}}) {
    for (const std::int64_t rows : {0, 1, 64, 755, 15300, 57290}) {
      for (const std::int64_t columns : {0, 1, 65, 755, 3417, 57290, 2'100'001}) {
        for (const std::int64_t asked : {0, 1, 64, 100, 5000}) {
          const HeadTiles tiles(rows, columns, tile_rows, resident, asked);
          EXPECT_EQ(tiles.row_tiles, (rows + tile_rows - 1) / tile_rows);
          EXPECT_EQ(tiles.column_tiles, (columns + 63) / 64);
          EXPECT_GE(tiles.splits, 1);
          EXPECT_GE(tiles.splits * tiles.length, tiles.column_tiles);
          if (columns > 0) {
            EXPECT_LT((tiles.splits - 1) * tiles.length, tiles.column_tiles);
          }
          if (asked == 0 && tiles.row_tiles <= HeadTiles::most(resident)) {
            EXPECT_LE(tiles.row_tiles * tiles.splits, HeadTiles::most(resident));
          }
        }
      }
    }
  }
  EXPECT_EQ(HeadTiles(15300, 3417, 64, 3).splits, 3);   // ML-1M: 240 x 3 blocks, of which 396 run at once,
  EXPECT_EQ(HeadTiles(3417, 15300, 64, 3).splits, 14);  // then 54 x 14
  EXPECT_EQ(HeadTiles(755, 57290, 64, 3).splits, 64);   // Beauty: 12 x 64 blocks,
  EXPECT_EQ(HeadTiles(57290, 755, 64, 3).splits, 1);    // then 896
  EXPECT_EQ(HeadTiles(15300, 3417, 128, 2).splits, 4);  // by tensor cores 120 x 4, of which 264 run at once
}

}  // namespace
}  // namespace lrurec::ops
