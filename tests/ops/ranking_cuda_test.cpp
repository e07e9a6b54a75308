// Top k, ranks and best classes on a GPU against the CPU, where blocks, segments and chunks meet.

#include <cmath>

#include "ops/linear_top_k/linear_top_k.h"
#include "ops/primitives/score_chunk.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

constexpr std::int64_t l2 = std::int64_t{60} << 20;

using test::expect_error;
using test::gpu;
using test::max_difference;
using test::random_normal;

std::vector<std::int64_t> ids(const Tensor& t) { return t.to_vector<std::int64_t>(); }

/// Values of 0, 1, ..., most: many ties.
Tensor coarse(const Shape& shape, DType dtype, std::int64_t most) {
  std::vector<double> values;
  const Philox random(7, 0);
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    values.push_back(
        std::floor(random.uniform(static_cast<std::uint64_t>(i)) * static_cast<double>(most + 1)));
  }
  return Tensor::from(values, shape).to(dtype);
}

void expect_same_top_k(const Tensor& x, std::int64_t k) {
  const raw::TopK cpu = raw::top_k(x, k), cuda = raw::top_k(x.to(gpu), k);
  EXPECT_EQ(cuda.indices.device(), gpu);
  EXPECT_EQ(ids(cuda.indices), ids(cpu.indices)) << x.shape().str() << " k = " << k;
  const auto a = cpu.values.to(DType::f64).to_vector<double>(),
             b = cuda.values.to(DType::f64).host().to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])));
  }
}

TEST(TopKCuda, PicksTheCpusIndicesAtAllSizes) {
  LRUREC_NEEDS_GPU();
  test::in_every_thread_order([] {
    for (const DType dtype : {DType::f32, DType::f64}) {
      expect_same_top_k(random_normal({3, 1}, dtype), 1);
      expect_same_top_k(random_normal({5, 513}, dtype), 10);
      expect_same_top_k(random_normal({2, 3, 700}, dtype), 300);
      expect_same_top_k(random_normal({2, 33}, dtype), 33);
    }
    expect_same_top_k(random_normal({2, 20000}, DType::f32), 20);  // segments
  });
  expect_same_top_k(random_normal({1, 3000}, DType::f32), 2500);  // more than a block sorts
  expect_same_top_k(Tensor::empty({0, 5}, DType::f32), 2);
  EXPECT_EQ(raw::top_k(random_normal({3, 4}, DType::f32).to(gpu), 0).indices.shape(), (Shape{3, 0}));
}

TEST(TopKCuda, TiesGoToTheLowerIndexAndNanComesLast) {
  LRUREC_NEEDS_GPU();
  test::in_every_thread_order([] {
    expect_same_top_k(Tensor::from(std::vector<float>{1, 5, NAN, 5, -2}, {1, 5}), 5);
    expect_same_top_k(Tensor::from(std::vector<double>{0., -0., 0., -INFINITY, INFINITY, -0.}, {1, 6}), 6);
    expect_same_top_k(coarse({3, 1500}, DType::f32, 3), 100);
    expect_same_top_k(coarse({2, 40000}, DType::f32, 0), 50);  // all equal, in segments
    expect_same_top_k(coarse({2, 40000}, DType::f64, 5), 300);
    expect_same_top_k(Tensor::full({1, 20000}, NAN, DType::f32), 7);
  });
}

TEST(TopKCuda, GradientsGoBackToTheirElements) {
  LRUREC_NEEDS_GPU();
  const Tensor x = random_normal({4, 700}, DType::f32), dy = random_normal({4, 9}, DType::f32, 2);
  Variable on_cpu(x, true), on_gpu(x.to(gpu), true);
  backward({top_k(on_cpu, 9).values}, {dy});
  backward({top_k(on_gpu, 9).values}, {dy.to(gpu)});
  EXPECT_EQ(max_difference(on_gpu.grad().host(), on_cpu.grad()), 0);
}

/// Rows, classes and what is excluded of them; small whole numbers, so that products are exact in any order.
struct Problem {
  Tensor x, weight, bias, targets;
  raw::ExcludedClasses excluded;

  Problem(std::int64_t n, std::int64_t H, std::int64_t C, DType dtype)
      : x(coarse({n, H}, dtype, 3)), weight(coarse({C, H}, dtype, 4)), bias(coarse({C}, dtype, 2)) {
    std::vector<std::int64_t> target, offsets{0}, classes;
    for (std::int64_t r = 0; r < n; ++r) {
      target.push_back((r * 37 + 1) % C);
      for (std::int64_t c = r % 3; c < C; c += 7 + r % 5) {
        if (c != target.back()) classes.push_back(c);
      }
      offsets.push_back(std::ssize(classes));
    }
    targets = Tensor::from(target);
    excluded = {Tensor::from(offsets), Tensor::from(classes)};
  }
};

TEST(LinearRankCuda, CountsAsTheCpuDoes) {
  LRUREC_NEEDS_GPU();
  test::in_every_thread_order([] {
    for (const auto& [n, H, C] : {std::tuple{1, 3, 2}, std::tuple{5, 8, 130}, std::tuple{9, 4, 1100}}) {
      for (const DType dtype : {DType::f32, DType::f64}) {
        const Problem p(n, H, C, dtype);
        const auto cpu = raw::linear_ranks(p.x, p.weight, p.bias, p.targets, p.excluded, true);
        for (const Device ids_on : {Device{}, gpu}) {
          const auto cuda =
              raw::linear_ranks(p.x.to(gpu), p.weight.to(gpu), p.bias.to(gpu), p.targets.to(ids_on),
                                {p.excluded.offsets.to(ids_on), p.excluded.classes.to(ids_on)}, true);
          EXPECT_EQ(ids(cuda.ranks), ids(cpu.ranks)) << n << " x " << C;
          EXPECT_LE(max_difference(cuda.losses, cpu.losses), dtype == DType::f32 ? 1e-4 : 1e-12);
        }
      }
    }
  });
}

TEST(LinearRankCuda, GoesThroughTheRowsInChunks) {
  LRUREC_NEEDS_GPU();
  // 200,000 classes: a chunk is 128 rows.
  const Problem p(130, 1, 200000, DType::f32);
  ASSERT_EQ(cuda::score_chunk_rows(130, 200000, 4, l2), 128);
  const Tensor none = Tensor::zeros({131}, DType::i64);
  const raw::ExcludedClasses nothing{none, Tensor::empty({0}, DType::i64)};
  EXPECT_EQ(ids(raw::linear_ranks(p.x.to(gpu), p.weight.to(gpu), p.bias.to(gpu), p.targets, nothing).ranks),
            ids(raw::linear_ranks(p.x, p.weight, p.bias, p.targets, nothing).ranks));
}

TEST(LinearRankCuda, ReportsBrokenScoresAndBadIds) {
  LRUREC_NEEDS_GPU();
  const Problem p(4, 3, 20, DType::f32);
  Tensor broken = p.bias.clone();
  broken.data<float>()[11] = INFINITY;
  expect_error(ErrorKind::non_finite, "4 of 4 rows have scores that are not finite", [&] {
    raw::linear_ranks(p.x.to(gpu), p.weight.to(gpu), broken.to(gpu), p.targets, p.excluded);
  });
  expect_error(ErrorKind::internal, "target 20 is not in 0..19", [&] {
    raw::linear_ranks(p.x.to(gpu), p.weight.to(gpu), p.bias.to(gpu),
                      Tensor::full({4}, 20, DType::i64).to(gpu), p.excluded);
  });
  const Problem empty(0, 3, 20, DType::f32);
  EXPECT_EQ(raw::linear_ranks(empty.x.to(gpu), p.weight.to(gpu), p.bias.to(gpu), empty.targets,
                              {Tensor::zeros({1}, DType::i64), Tensor::empty({0}, DType::i64)})
                .ranks.numel(),
            0);
}

TEST(LinearTopKCuda, FindsTheCpusClasses) {
  LRUREC_NEEDS_GPU();
  test::in_every_thread_order([] {
    for (const auto& [n, H, C, k] : {std::tuple{1, 3, 2, 5}, std::tuple{5, 8, 130, 20},
                                     std::tuple{3, 4, 1100, 300}, std::tuple{1, 2, 20000, 10}}) {
      const Problem p(n, H, C, DType::f32);
      const auto cpu = raw::linear_top_k(p.x, raw::ClassTable(p.weight, p.bias), k, p.excluded);
      const auto cuda =
          raw::linear_top_k(p.x.to(gpu), raw::ClassTable(p.weight.to(gpu), p.bias.to(gpu)), k, p.excluded);
      EXPECT_EQ(ids(cuda.indices), ids(cpu.indices)) << C;
      EXPECT_EQ(cuda.values.to_vector<float>(), cpu.values.to_vector<float>()) << C;
    }
  });
}

TEST(LinearTopKCuda, LeavesMoreThanItSelectsToTheCpu) {
  LRUREC_NEEDS_GPU();
  const Problem p(4, 3, 3000, DType::f32);
  const auto cpu = raw::linear_top_k(p.x, raw::ClassTable(p.weight, p.bias), 2500, p.excluded);
  const auto cuda =
      raw::linear_top_k(p.x.to(gpu), raw::ClassTable(p.weight.to(gpu), p.bias.to(gpu)), 2500, p.excluded);
  EXPECT_EQ(ids(cuda.indices), ids(cpu.indices));
}

TEST(LinearTopKCuda, ReportsBrokenScores) {
  LRUREC_NEEDS_GPU();
  const Problem p(4, 3, 3000, DType::f32);
  Tensor broken = p.weight.clone();
  broken.data<float>()[5] = NAN;
  const raw::ClassTable classes(p.weight.to(gpu), p.bias.to(gpu));
  expect_error(ErrorKind::non_finite, "scores are not finite", [&] {
    raw::linear_top_k(p.x.to(gpu), raw::ClassTable(broken.to(gpu), p.bias.to(gpu)), 3, p.excluded);
  });
  expect_error(ErrorKind::internal, "x is on cpu", [&] { raw::linear_top_k(p.x, classes, 3, p.excluded); });
}

TEST(ScoreChunk, StaysInTheCacheUntilThatIsTooFewRows) {
  EXPECT_EQ(cuda::score_chunk_rows(10, 3417, 4, l2), 10);
  EXPECT_EQ(cuda::score_chunk_rows(100000, 3417, 4, l2), (24 << 20) / (3424 * 4));
  EXPECT_EQ(cuda::score_chunk_rows(100000, 2100000, 4, l2), 127);  // 1 GiB
  EXPECT_EQ(cuda::score_chunk_rows(0, 0, 4, l2), 1);
}

}  // namespace
}  // namespace lrurec::ops
