// linear_scan where every token has a lambda of its own.

#include "ops/linear_scan/linear_scan.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_abs;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

constexpr auto gated_algorithms = {ScanAlgorithm::sequential, ScanAlgorithm::recursive,
                                   ScanAlgorithm::chunked, ScanAlgorithm::automatic};

/// Gates inside the unit disk; every seventh is 0, a reset.
Tensor gates(const Shape& shape, DType dtype) {
  const Tensor z = random_normal(shape, DType::c128, 11);
  auto values = test::values(z);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] =
        i % 7 == 3 ? c128(0) : std::polar(1.0 / (1.0 + 0.1 * std::abs(values[i])), std::arg(values[i]));
  }
  const Tensor all = Tensor::from(values, shape);
  return is_complex(dtype) ? all.to(dtype) : all.view_as_real().select(-1, 0).contiguous().to(dtype);
}

/// States, final states and the gradients of lambda, x and the initial state.
Tensors scan_all(const Tensor& lambda, const Tensor& x, const Offsets& offsets, const Tensor& initial,
                 ScanAlgorithm algorithm) {
  Variable l(lambda, true), in(x, true), h0 = initial.defined() ? Variable(initial, true) : Variable();
  const auto [states, final_state] = linear_scan(l, in, Tensor::from(offsets), h0, algorithm);
  backward({states, final_state},
           {random_normal(states.shape(), x.dtype(), 8), random_normal(final_state.shape(), x.dtype(), 9)});
  Tensors all{states.value(), final_state.value(), l.grad(), in.grad()};
  if (initial.defined()) all.push_back(h0.grad());
  return all;
}

/// The same in long-hand: h_t = lambda_t h_{t-1} + x_t and g_t = dh_t + conj(lambda_{t+1}) g_{t+1}.
Tensors gated_by_definition(const Tensor& lambda, const Tensor& x, const Offsets& offsets,
                            const Tensor& initial) {
  const auto a = test::values(lambda), in = test::values(x);
  const auto dh = test::values(random_normal(x.shape(), x.dtype(), 8));
  const auto S = static_cast<std::size_t>(std::ssize(offsets) - 1), D = static_cast<std::size_t>(x.size(1));
  const Shape ends{std::ssize(offsets) - 1, x.size(1)};
  const auto dfinal = test::values(random_normal(ends, x.dtype(), 9));
  const auto h0 = initial.defined() ? test::values(initial) : std::vector<c128>(S * D);
  std::vector<c128> h(in.size()), last(S * D), dlambda(in.size()), dx(in.size()), dinitial(S * D);
  for (std::size_t s = 0; s < S; ++s) {
    const auto begin = static_cast<std::size_t>(offsets[s]), end = static_cast<std::size_t>(offsets[s + 1]);
    for (std::size_t d = 0; d < D; ++d) {
      c128 state = h0[s * D + d], g = dfinal[s * D + d];
      for (std::size_t t = begin; t < end; ++t) h[t * D + d] = state = a[t * D + d] * state + in[t * D + d];
      last[s * D + d] = state;
      for (std::size_t t = end; t-- > begin;) {
        g += dh[t * D + d];
        dx[t * D + d] = g;
        dlambda[t * D + d] = g * std::conj(t > begin ? h[(t - 1) * D + d] : h0[s * D + d]);
        g *= std::conj(a[t * D + d]);
      }
      dinitial[s * D + d] = g;
    }
  }
  Tensors all{Tensor::from(h, x.shape()), Tensor::from(last, ends), Tensor::from(dlambda, x.shape()),
              Tensor::from(dx, x.shape())};
  if (initial.defined()) all.push_back(Tensor::from(dinitial, ends));
  return all;
}

void expect_near(const Tensors& found, const Tensors& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Tensor same = found[i].to(DType::c128);
    EXPECT_LE(max_difference(same, expected[i].to(DType::c128)), tolerance * (1 + max_abs(expected[i])))
        << what << ", result " << i;
  }
}

const Offsets awkward{0, 0, 1, 3, 3, 66, 130, 195, 1195, 1195};  // 0 1 2 0 63 64 65 1000 0

TEST(GatedScan, AlgorithmsFollowTheDefinitionAtEveryLength) {
  const std::int64_t tokens = awkward.back(), S = std::ssize(awkward) - 1;
  for (const DType dtype : {DType::f32, DType::f64, DType::c64, DType::c128}) {
    const Tensor lambda = gates({tokens, 5}, dtype), x = random_normal({tokens, 5}, dtype, 2);
    const double tolerance = real_of(dtype) == DType::f64 ? 1e-12 : 3e-5;
    for (const Tensor& initial : {Tensor(), random_normal({S, 5}, dtype, 3)}) {
      const Tensors expected = gated_by_definition(lambda, x, awkward, initial);
      for (const auto algorithm : gated_algorithms) {
        expect_near(scan_all(lambda, x, awkward, initial, algorithm), expected, tolerance,
                    std::string(name(algorithm)) + " " + std::string(name(dtype)));
      }
    }
  }
}

TEST(GatedScan, WithEqualRowsIsTheScanOfOneLambda) {
  for (const DType dtype : {DType::f64, DType::c128}) {
    const Tensor one = gates({1, 6}, dtype), x = random_normal({awkward.back(), 6}, dtype, 2);
    const Tensor initial = random_normal({std::ssize(awkward) - 1, 6}, dtype, 3);
    const Tensor each = one.broadcast_to({awkward.back(), 6});
    for (const auto algorithm : gated_algorithms) {
      const Tensors gated = scan_all(each, x, awkward, initial, algorithm);
      const Tensors uniform = scan_all(one.select(0, 0), x, awkward, initial, algorithm);
      for (const std::size_t k : {0, 1, 3, 4}) {
        EXPECT_LE(max_difference(gated[k], uniform[k]), 1e-12 * (1 + max_abs(uniform[k]))) << name(algorithm);
      }
      std::vector<c128> sums(6);
      const auto rows = test::values(gated[2]);
      for (std::size_t i = 0; i < rows.size(); ++i) sums[i % 6] += rows[i];
      EXPECT_LE(max_difference(Tensor::from(sums), uniform[2].to(DType::c128)),
                1e-11 * (1 + max_abs(uniform[2])));
    }
  }
}

TEST(GatedScan, AStateCarriedAcrossAnyCutChangesNoBit) {
  constexpr std::int64_t length = 131;
  const Tensor lambda = gates({length, 3}, DType::c128), x = random_normal({length, 3}, DType::c128, 2);
  const auto part = [&](std::int64_t begin, std::int64_t end, const Tensor& state) {
    return raw::linear_scan(lambda.slice(0, begin, end), x.slice(0, begin, end),
                            Tensor::from(Offsets{0, end - begin}), state, ScanAlgorithm::sequential);
  };
  const Tensor whole = part(0, length, {}).states;
  for (std::int64_t cut = 0; cut <= length; ++cut) {
    const auto first = part(0, cut, {}), second = part(cut, length, first.final_state);
    EXPECT_EQ(max_difference(first.states, whole.slice(0, 0, cut)), 0) << cut;
    EXPECT_EQ(max_difference(second.states, whole.slice(0, cut, length)), 0) << cut;
  }
  Tensor state;
  for (std::int64_t t = 0; t < length; ++t) {  // and step by step
    state = part(t, t + 1, state).final_state;
    ASSERT_EQ(max_difference(state.select(0, 0), whole.select(0, t)), 0) << t;
  }
}

TEST(GatedScan, AGateOfZeroForgetsEverythingBefore) {
  constexpr std::int64_t length = 200, reset = 130;
  Tensor lambda = Tensor::full({length, 2}, 0.9, DType::f64);
  lambda.slice(0, reset, reset + 1).fill_(0);
  Tensor other = random_normal({length, 2}, DType::f64, 2).contiguous();
  const Tensor x = other.clone();
  other.slice(0, 0, reset).fill_(1e6);
  for (const auto algorithm : gated_algorithms) {
    const auto states = [&](const Tensor& in) {
      return raw::linear_scan(lambda, in, Tensor::from(Offsets{0, length}), {}, algorithm)
          .states.slice(0, reset, length);
    };
    EXPECT_EQ(max_difference(states(x), states(other)), 0) << name(algorithm);
    // No gradient goes back across the reset, but its own lambda's is there.
    Variable l(lambda, true), in(x, true);
    const auto out = linear_scan(l, in, Tensor::from(Offsets{0, length}), {}, algorithm);
    backward({out.final_state}, {Tensor::full({1, 2}, 1, DType::f64)});
    EXPECT_EQ(max_abs(in.grad().slice(0, 0, reset)), 0) << name(algorithm);
    EXPECT_GT(max_abs(l.grad().slice(0, reset, reset + 1)), 0) << name(algorithm);
  }
}

TEST(GatedScan, LongProductsOfGatesVanishQuietly) {
  constexpr std::int64_t length = 5000;
  const Tensor lambda = Tensor::full({length, 2}, 1e-3, DType::f32),
               x = Tensor::full({length, 2}, 1, DType::f32);
  for (const auto algorithm : gated_algorithms) {
    for (const Tensor& t :
         scan_all(lambda, x, {0, length}, Tensor::full({1, 2}, 1e30, DType::f32), algorithm)) {
      EXPECT_LT(max_abs(t), INFINITY) << name(algorithm);  // infinity also where a NaN is
    }
    const Tensor h = raw::linear_scan(lambda, x, Tensor::from(Offsets{0, length}), {}, algorithm).states;
    EXPECT_NEAR(h.select(0, length - 1).select(0, 0).item<float>(), 1.001001, 1e-6) << name(algorithm);
  }
}

TEST(GatedScan, SaysWhichShapesItTakes) {
  const Tensor x = Tensor::zeros({4, 3}, DType::f32);
  expect_error(ErrorKind::internal, "[linear_scan] lambda: f32 [3, 3] and x: f32 [4, 3]", [&] {
    raw::linear_scan(Tensor::zeros({3, 3}, DType::f32), x, Tensor::from(Offsets{0, 4}));
  });
}

}  // namespace
}  // namespace lrurec::ops
