#include "ops/linear_scan/linear_scan.h"

#include "ops/complex/complex.h"
#include "tensor/strided_loop.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_abs;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

constexpr auto all_algorithms = {ScanAlgorithm::sequential, ScanAlgorithm::recursive, ScanAlgorithm::chunked};

/// Angles all around the circle, moduli from 0.5 up to exactly `largest`.
Tensor lambda_with(double largest, std::int64_t channels, DType dtype) {
  std::vector<c128> z;
  for (std::int64_t d = 0; d < channels; ++d) {
    const double part = static_cast<double>(d) / static_cast<double>(channels - 1);
    z.push_back(std::polar(0.5 + (largest - 0.5) * part, 6.28 * part));
  }
  if (is_complex(dtype)) return Tensor::from(z).to(dtype);
  return raw::abs(Tensor::from(z)).to(dtype);
}

/// The recurrence of equation 2 in long-hand.
Tensor by_definition(const Tensor& lambda, const Tensor& x, const Offsets& offsets, const Tensor& initial) {
  const auto l = test::values(lambda), in = test::values(x);
  const auto D = l.size();
  std::vector<c128> h(in.size());
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::size_t d = 0; d < D; ++d) {
      c128 state = initial.defined() ? test::values(initial)[s * D + d] : c128(0);
      for (auto t = static_cast<std::size_t>(offsets[s]); t < static_cast<std::size_t>(offsets[s + 1]); ++t) {
        state = l[d] * state + in[t * D + d];
        h[t * D + d] = state;
      }
    }
  }
  const Tensor result = Tensor::from(h, x.shape());
  return is_complex(x.dtype()) ? result : raw::real(result);
}

struct Gradients {
  Tensor lambda, x, initial;
};
Gradients gradients(const Tensor& lambda, const Tensor& x, const Offsets& offsets, const Tensor& initial,
                    ScanAlgorithm algorithm) {
  Variable l(lambda, true), in(x, true), h0(initial, true);
  const auto [states, final_state] = linear_scan(l, in, Tensor::from(offsets), h0, algorithm);
  backward({states, final_state},
           {random_normal(states.shape(), x.dtype(), 8), random_normal(final_state.shape(), x.dtype(), 9)});
  return {l.grad(), in.grad(), h0.grad()};
}

class LinearScan : public testing::TestWithParam<std::tuple<std::int64_t, double>> {};

TEST_P(LinearScan, AlgorithmsAgreeWithTheDefinitionInDoublePrecision) {
  const auto [length, modulus] = GetParam();
  for (const DType dtype : {DType::f64, DType::c128}) {
    const Offsets offsets{0, length, length, 2 * length,
                          2 * length + 3};  // an empty one and a short one between
    const Tensor lambda = lambda_with(modulus, 5, dtype);
    const Tensor x = random_normal({2 * length + 3, 5}, dtype, 2), initial = random_normal({4, 5}, dtype, 3);
    const Tensor expected = by_definition(lambda, x, offsets, initial);
    const Tensor from_zero = by_definition(lambda, x, offsets, {});
    for (const auto algorithm : all_algorithms) {
      const auto [h, final_state] = raw::linear_scan(lambda, x, Tensor::from(offsets), initial, algorithm);
      EXPECT_LE(max_difference(h, expected), 1e-12 * (1 + max_abs(expected))) << name(algorithm);
      EXPECT_EQ(max_difference(final_state.select(0, 0), h.select(0, length - 1)), 0);
      EXPECT_EQ(max_difference(final_state.select(0, 1), initial.select(0, 1)), 0) << "empty sequence";
      const Tensor without = raw::linear_scan(lambda, x, Tensor::from(offsets), {}, algorithm).states;
      EXPECT_LE(max_difference(without, from_zero), 1e-12 * (1 + max_abs(from_zero))) << name(algorithm);
    }
  }
}

TEST_P(LinearScan, GradientsOfTheAlgorithmsAgree) {
  const auto [length, modulus] = GetParam();
  const Offsets offsets{0, length, length, 2 * length, 2 * length + 3};
  const Tensor lambda = lambda_with(modulus, 5, DType::c128);
  const Tensor x = random_normal({2 * length + 3, 5}, DType::c128, 2),
               initial = random_normal({4, 5}, DType::c128, 3);
  const Gradients expected = gradients(lambda, x, offsets, initial, ScanAlgorithm::sequential);
  for (const auto algorithm : all_algorithms) {
    const Gradients actual = gradients(lambda, x, offsets, initial, algorithm);
    EXPECT_LE(max_difference(actual.lambda, expected.lambda), 1e-12 * (1 + max_abs(expected.lambda)))
        << name(algorithm);
    EXPECT_LE(max_difference(actual.x, expected.x), 1e-12 * (1 + max_abs(expected.x))) << name(algorithm);
    EXPECT_LE(max_difference(actual.initial, expected.initial), 1e-12 * (1 + max_abs(expected.initial)));
  }
}

TEST_P(LinearScan, SinglePrecisionStaysWithinRounding) {
  const auto [length, modulus] = GetParam();
  const Tensor lambda = lambda_with(modulus, 128, DType::c64);
  const Tensor x = random_normal({length, 128}, DType::c64, 2);
  const Tensor expected = by_definition(lambda, x, {0, length}, {});
  for (const auto algorithm : all_algorithms) {
    const Tensor h = raw::linear_scan(lambda, x, Tensor::from(Offsets{0, length}), {}, algorithm).states;
    // Every step adds one rounding error, and lambda carries the old ones on: at most about length of them.
    const double tolerance = 1e-6 * std::sqrt(static_cast<double>(length)) * (1 + max_abs(expected));
    EXPECT_LE(max_difference(h, expected), tolerance) << name(algorithm);
  }
}

TEST_P(LinearScan, StepsWithACarriedStateGiveTheSame) {
  const auto [length, modulus] = GetParam();
  const Tensor lambda = lambda_with(modulus, 6, DType::c128), x = random_normal({length, 6}, DType::c128, 4);
  const Tensor whole = raw::linear_scan(lambda, x, Tensor::from(Offsets{0, length})).states;
  Tensor state;
  for (std::int64_t t = 0; t < length; ++t) {
    state = raw::linear_scan(lambda, x.slice(0, t, t + 1), Tensor::from(Offsets{0, 1}), state).final_state;
    ASSERT_EQ(max_difference(state.select(0, 0), whole.select(0, t)), 0) << "step " << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, LinearScan,
                         testing::Combine(testing::Values(1, 2, 3, 31, 32, 33, 200, 1000),
                                          testing::Values(0.9, 0.9999)));

TEST(LinearScanThreads, ShareOutWhatIsLargeEnough) {
  const Offsets offsets{0, 100, 100, 163, 365, 380, 500, 565, 640};
  const auto tokens = offsets.back(), sequences = static_cast<std::int64_t>(offsets.size()) - 1;
  const Tensor lambda = lambda_with(0.99, 64, DType::c128);
  const Tensor x = random_normal({tokens, 64}, DType::c128, 2),
               initial = random_normal({sequences, 64}, DType::c128, 3);
  ASSERT_GT(x.numel(), parallel_grain);
  // Each sequence by itself is too small to be shared out.
  std::vector<Tensor> alone;
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto begin = offsets[static_cast<std::size_t>(s)], end = offsets[static_cast<std::size_t>(s) + 1];
    alone.push_back(raw::linear_scan(lambda, x.slice(0, begin, end), Tensor::from(Offsets{0, end - begin}),
                                     initial.slice(0, s, s + 1))
                        .states);
  }
  const Gradients expected = gradients(lambda, x, offsets, initial, ScanAlgorithm::sequential);
  for (const auto algorithm : all_algorithms) {
    const Tensor h = raw::linear_scan(lambda, x, Tensor::from(offsets), initial, algorithm).states;
    for (std::int64_t s = 0; s < sequences; ++s) {
      const auto begin = offsets[static_cast<std::size_t>(s)], end = offsets[static_cast<std::size_t>(s) + 1];
      if (begin == end) continue;
      EXPECT_LE(max_difference(h.slice(0, begin, end), alone[static_cast<std::size_t>(s)]),
                1e-12 * (1 + max_abs(h)))
          << name(algorithm) << ", sequence " << s;
    }
    const Gradients actual = gradients(lambda, x, offsets, initial, algorithm);
    EXPECT_LE(max_difference(actual.lambda, expected.lambda), 1e-12 * (1 + max_abs(expected.lambda)))
        << name(algorithm);
    EXPECT_LE(max_difference(actual.x, expected.x), 1e-12 * (1 + max_abs(expected.x))) << name(algorithm);
  }
}

TEST(LinearScanErrors, NameWhatIsWrong) {
  const Tensor lambda = Tensor::zeros({3}, DType::f32), x = Tensor::zeros({4, 3}, DType::f32);
  const auto scan = [&](const Tensor& l, const Offsets& offsets, const Tensor& initial) {
    raw::linear_scan(l, x, Tensor::from(offsets), initial);
  };
  expect_error(ErrorKind::internal, "[linear_scan] lambda: f32 [2]", [&] {
    scan(Tensor::zeros({2}, DType::f32), {0, 4}, {});
  });
  expect_error(ErrorKind::internal, "one dtype", [&] { scan(Tensor::zeros({3}, DType::f64), {0, 4}, {}); });
  expect_error(ErrorKind::internal, "x has 4 tokens", [&] { scan(lambda, {0, 5}, {}); });
  expect_error(ErrorKind::internal, "x has 4 tokens", [&] { scan(lambda, {1, 4}, {}); });
  expect_error(ErrorKind::internal, "if these are lengths, offsets_of_lengths", [&] {
    scan(lambda, {1, 3}, {});
  });
  expect_error(ErrorKind::internal, "offsets fall from 3 to 2", [&] { scan(lambda, {0, 3, 2, 4}, {}); });
  expect_error(ErrorKind::internal, "initial", [&] {
    scan(lambda, {0, 4}, Tensor::zeros({2, 3}, DType::f32));
  });
}

}  // namespace
}  // namespace lrurec::ops
