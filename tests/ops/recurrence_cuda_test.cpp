// The recurrence on a GPU where tiles, warps, blocks of channels and chunks of time meet, against the CPU.

#include "ops/linear_scan/linear_scan.h"
#include "ops/lru/lru.h"
#include "ops/ops.h"
#include "ops/primitives/time_chunks.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::gpu;
using test::max_abs;
using test::max_difference;
using test::random_normal;

Tensor offsets_of(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> offsets{0};
  for (const auto length : lengths) offsets.push_back(offsets.back() + length);
  return Tensor::from(offsets);
}

/// Near the unit circle, so that every step is felt far away.
Tensor eigenvalues(std::int64_t D, DType dtype) {
  std::vector<c128> values;
  for (std::int64_t d = 0; d < D; ++d) {
    const auto k = static_cast<double>(d + 1);
    values.push_back(std::polar(1 - 0.01 / k, is_complex(dtype) ? 0.3 * k : 0.0));
  }
  const Tensor all = Tensor::from(values);
  return (is_complex(dtype) ? all : all.view_as_real().select(-1, 0).contiguous()).to(dtype);
}

/// States, final states and gradients of all inputs.
Tensors scan_and_gradients(Device device, const Tensors& inputs, const Tensor& offsets,
                           ScanAlgorithm algorithm) {
  Variables x;
  for (const auto& t : inputs) x.emplace_back(t.to(device), true);
  const auto [states, final_state] = linear_scan(x[0], x[1], offsets.to(device), x[2], algorithm);
  backward({states, final_state}, {random_normal(states.shape(), states.dtype(), 8).to(device),
                                   random_normal(final_state.shape(), states.dtype(), 9).to(device)});
  Tensors results{states.value().host(), final_state.value().host()};
  for (const auto& v : x) results.push_back(v.grad().host());
  return results;
}

void expect_close(const Tensors& found, const Tensors& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double allowed = tolerance * std::max(1.0, max_abs(expected[i]));
    EXPECT_LE(max_difference(found[i], expected[i]), allowed) << what << ", result " << i;
  }
}

void expect_the_cpus_scan(const std::vector<std::int64_t>& lengths, std::int64_t D, DType dtype,
                          ScanAlgorithm algorithm) {
  const Tensor offsets = offsets_of(lengths);
  const std::int64_t tokens = offsets.to_vector<std::int64_t>().back(), S = std::ssize(lengths);
  const Tensors inputs{eigenvalues(D, dtype), random_normal({tokens, D}, dtype, 1).contiguous(),
                       random_normal({S, D}, dtype, 2).contiguous()};
  const bool single = dtype == DType::f32 || dtype == DType::c64;
  expect_close(scan_and_gradients(gpu, inputs, offsets, algorithm),
               scan_and_gradients({}, inputs, offsets, ScanAlgorithm::sequential), single ? 3e-4 : 1e-10,
               fmt::format("{} tokens, D = {}, {}, {}", tokens, D, name(dtype), name(algorithm)));
}

// Runs of 16 rows, tiles of up to 128, blocks of 32 channels: one less, the same, one more.
TEST(RecurrenceCuda, ScansLengthsAroundEveryBoundary) {
  LRUREC_NEEDS_GPU();
  const std::vector<std::int64_t> lengths{0, 1, 15, 16, 17, 31, 32, 33, 0, 127, 128, 129, 257, 0};
  for (const auto algorithm : {ScanAlgorithm::chunked, ScanAlgorithm::recursive, ScanAlgorithm::sequential}) {
    for (const DType dtype : {DType::f64, DType::c64, DType::c128}) {
      expect_the_cpus_scan(lengths, 5, dtype, algorithm);
    }
  }
  test::in_every_thread_order([&] {
    for (const std::int64_t D : {1, 31, 32, 33}) {
      expect_the_cpus_scan({40, 3, 130}, D, DType::c128, ScanAlgorithm::chunked);
    }
  });
  expect_the_cpus_scan({40, 3, 130}, 5, DType::f32, ScanAlgorithm::chunked);
}

TEST(RecurrenceCuda, CutsFewLongSequencesInTime) {
  LRUREC_NEEDS_GPU();
  const std::vector<std::int64_t> lengths{6000, 0, 9001};
  ASSERT_TRUE(cuda::cut_time(15001, 3));
  for (const DType dtype : {DType::f64, DType::c64, DType::c128}) {
    expect_the_cpus_scan(lengths, 3, dtype, ScanAlgorithm::chunked);
  }
  // More channels than the threads that carry states from chunk to chunk (of the emulated GPU).
  expect_the_cpus_scan({5000}, 1100, DType::f64, ScanAlgorithm::chunked);
}

/// The same with a lambda of each token.
void expect_the_cpus_gated_scan(const std::vector<std::int64_t>& lengths, std::int64_t D, DType dtype,
                                ScanAlgorithm algorithm) {
  const Tensor offsets = offsets_of(lengths);
  const std::int64_t tokens = offsets.to_vector<std::int64_t>().back(), S = std::ssize(lengths);
  const Tensor lambda = raw::mul(eigenvalues(D, dtype), raw::tanh(random_normal({tokens, D}, dtype, 4)));
  const Tensors inputs{lambda, random_normal({tokens, D}, dtype, 1).contiguous(),
                       random_normal({S, D}, dtype, 2).contiguous()};
  const bool single = dtype == DType::f32 || dtype == DType::c64;
  expect_close(scan_and_gradients(gpu, inputs, offsets, algorithm),
               scan_and_gradients({}, inputs, offsets, ScanAlgorithm::sequential), single ? 3e-4 : 1e-10,
               fmt::format("gated, {} tokens, D = {}, {}, {}", tokens, D, name(dtype), name(algorithm)));
}

TEST(RecurrenceCuda, ScansWithALambdaOfEachToken) {
  LRUREC_NEEDS_GPU();
  const std::vector<std::int64_t> lengths{0, 1, 2, 63, 64, 65, 0, 129, 300, 0};
  for (const auto algorithm : {ScanAlgorithm::chunked, ScanAlgorithm::recursive, ScanAlgorithm::sequential}) {
    for (const DType dtype : {DType::f32, DType::f64, DType::c128}) {
      expect_the_cpus_gated_scan(lengths, 5, dtype, algorithm);
    }
    test::in_every_thread_order([&] { expect_the_cpus_gated_scan({40, 3, 130}, 33, DType::f64, algorithm); });
  }
}

TEST(RecurrenceCuda, LruOfFewLongSequences) {
  LRUREC_NEEDS_GPU();
  const Tensor offsets = offsets_of({5000, 4500});
  ASSERT_TRUE(cuda::cut_time(9500, 2));
  constexpr std::int64_t H = 3, D = 4, O = 2;
  const Tensors inputs{random_normal({9500, H}, DType::f64, 1).contiguous(),
                       eigenvalues(D, DType::c128),
                       random_normal({D, H}, DType::c128, 2),
                       random_normal({D}, DType::c128, 3),
                       random_normal({O, D}, DType::c128, 4),
                       random_normal({O}, DType::f64, 5).contiguous(),
                       random_normal({2, D}, DType::c128, 6)};
  const auto run = [&](Device device) {
    Variables x;
    for (const auto& t : inputs) x.emplace_back(t.to(device), true);
    const auto result = lru(x[0], x[1], x[2], x[3], x[4], x[5], offsets.to(device), x[6]);
    backward({result.y, result.final_state}, {random_normal({9500, O}, DType::f64, 8).contiguous().to(device),
                                              random_normal({2, D}, DType::c128, 9).to(device)});
    Tensors results{result.y.value().host(), result.final_state.value().host()};
    for (const auto& v : x) results.push_back(v.grad().host());
    return results;
  };
  expect_close(run(gpu), run({}), 1e-10, "lru");
}

// In place: what the block of some channels replaces, the block of others must not read.
TEST(RecurrenceCuda, AStepReplacesStatesOfMoreChannelsThanABlockHas) {
  LRUREC_NEEDS_GPU();
  constexpr std::int64_t n = 4, H = 3, D = 35, O = 2;
  const Tensor u = random_normal({n, H}, DType::f64, 1).contiguous(), lambda = eigenvalues(D, DType::c128),
               B = random_normal({D, H}, DType::c128, 2), b = random_normal({D}, DType::c128, 3),
               C = random_normal({O, D}, DType::c128, 4), c = random_normal({O}, DType::f64, 5);
  const auto step = [&](Device device) {
    const Tensor state = random_normal({n, D}, DType::c128, 6).contiguous().to(device);
    const auto weights =
        raw::pack_lru(lambda.to(device), B.to(device), b.to(device), C.to(device), c.to(device));
    const Tensor y = raw::lru_step(u.to(device), weights, state);
    return Tensors{y.host(), state.host()};
  };
  const Tensors expected = step({});
  test::in_every_thread_order([&] { expect_close(step(gpu), expected, 1e-10, "a step"); });
}

// Offsets that a GPU made are not remembered by the CPU: it must keep its own while kernels are started.
TEST(RecurrenceCuda, TakesOffsetsThatTheGpuMade) {
  LRUREC_NEEDS_GPU();
  const Tensor offsets = offsets_of({3, 0, 40, 9}), made = test::strided_copy(offsets.to(gpu));
  ASSERT_FALSE(IndexTensor(made).known_on_host());
  const Tensor lambda = eigenvalues(5, DType::c128), x = random_normal({52, 5}, DType::c128, 1);
  for (const auto algorithm : {ScanAlgorithm::chunked, ScanAlgorithm::recursive}) {
    const auto expected = raw::linear_scan(lambda, x, offsets);
    const auto found = raw::linear_scan(lambda.to(gpu), x.to(gpu), made, {}, algorithm);
    EXPECT_LE(max_difference(found.states.host(), expected.states), 1e-12);
    EXPECT_LE(max_difference(found.final_state.host(), expected.final_state), 1e-12);
  }
  const Tensor u = random_normal({52, 3}, DType::f64, 2), B = random_normal({5, 3}, DType::c128, 3),
               b = random_normal({5}, DType::c128, 4), C = random_normal({2, 5}, DType::c128, 5),
               c = random_normal({2}, DType::f64, 6);
  EXPECT_LE(max_difference(
                raw::lru_last(u.to(gpu),
                              raw::pack_lru(lambda.to(gpu), B.to(gpu), b.to(gpu), C.to(gpu), c.to(gpu)), made)
                    .host(),
                raw::lru_last(u, raw::pack_lru(lambda, B, b, C, c), offsets)),
            1e-12);
}

}  // namespace
}  // namespace lrurec::ops
