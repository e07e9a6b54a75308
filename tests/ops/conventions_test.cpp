// What operations do where a formula leaves a choice: at ties, bounds, zeros, infinities and NaN. As PyTorch
// does.

#include <cmath>
#include <functional>
#include <limits>

#include "ops/ops.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using Numbers = std::vector<c128>;

bool same(c128 found, c128 expected) {
  const auto part = [](double a, double b) {
    if (std::isnan(b)) return std::isnan(a);
    return std::isinf(b) ? a == b : std::abs(a - b) <= 1e-13 * (1 + std::abs(b));
  };
  return part(found.real(), expected.real()) && part(found.imag(), expected.imag());
}

void expect_same(const char* what, const Tensor& found, const Numbers& expected) {
  const auto x = test::values(found.host());
  ASSERT_EQ(x.size(), expected.size()) << what;
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(same(x[i], expected[i])) << what << " " << i << ": " << x[i] << " instead of " << expected[i];
  }
}

Tensor row(const std::vector<double>& x) { return Tensor::from(x); }
Tensor complex_row(const Numbers& x) { return Tensor::from(x); }

class Conventions {
 public:
  explicit Conventions(Device device) : device_(device) {}

  /// Values, and gradients for an output gradient of ones.
  void check(const char* what, const std::function<Variable(const Variables&)>& f, const Tensors& inputs,
             const Numbers& y, const std::vector<Numbers>& dx) const {
    Variables leaves;
    for (const auto& x : inputs) leaves.emplace_back(x.to(device_), true);
    const Variable result = f(leaves);
    expect_same(what, result.value(), y);
    backward({result}, {Tensor::full(result.shape(), 1, result.dtype(), device_)});
    for (std::size_t i = 0; i < dx.size(); ++i) expect_same(what, leaves[i].grad(), dx[i]);
  }
  void check(const char* what, Variable (*f)(const Variable&), const Tensor& x, const Numbers& y,
             const Numbers& dx) const {
    check(what, [f](const Variables& v) { return f(v[0]); }, {x}, y, {dx});
  }
  void check(const char* what, Variable (*f)(const Variable&, const Variable&), const Tensor& a,
             const Tensor& b, const Numbers& y, const std::vector<Numbers>& dx) const {
    check(
        what, [f](const Variables& v) { return f(v[0], v[1]); }, {a, b}, y, dx);
  }

  void logarithms_and_exponentials() const {
    check("log1p", log1p, row({0, 1e-20, 1, infinity, -1, -2, NAN}),
          {0, 1e-20, std::log(2.0), infinity, -infinity, NAN, NAN}, {1, 1, 0.5, 0, infinity, -1, NAN});
    check("expm1", expm1, row({0, 1e-20, 1, -800, infinity, -infinity, 709.6, NAN}),
          {0, 1e-20, std::expm1(1.0), -1, infinity, -1, std::exp(709.6), NAN},
          {1, 1, std::exp(1.0), 0, infinity, 0, std::exp(709.6), NAN});
    // Beside 1e-20 a tolerance of 1e-14 says nothing.
    for (const double x : {1e-20, -3e-18, 1e-300}) {
      EXPECT_NEAR(raw::log1p(row({x}).to(device_)).host().item<double>() / x, 1, 1e-14);
      EXPECT_NEAR(raw::expm1(row({x}).to(device_)).host().item<double>() / x, 1, 1e-14);
    }
    const double half = std::erf(0.5), slope = 2 / std::sqrt(std::acos(-1.0)) * std::exp(-0.25);
    check("erf", erf, row({0, 0.5, -0.5, 30, -infinity, 1e200, NAN}), {0, half, -half, 1, -1, 1, NAN},
          {2 / std::sqrt(std::acos(-1.0)), slope, slope, 0, 0, 0, NAN});
    const double l = std::log1p(std::exp(-1.0)), s = 1 / (1 + std::exp(-1.0));
    check("softplus", softplus, row({1, -800, 800, infinity, -infinity, NAN}),
          {1 + l, 0, 800, infinity, 0, NAN}, {s, 0, 1, 1, 0, NAN});
    check("silu", silu, row({0, -800, 800, infinity, -infinity, NAN}), {0, 0, 800, infinity, NAN, NAN},
          {0.5, 0, 1, NAN, NAN, NAN});
  }

  void powers() const {
    check("pow", pow, row({2, 0, 0, 0, -2, -2, 3, infinity, 0}), row({3, 2, 0, -1, 3, 0.5, 0, -1, 1}),
          {8, 0, 1, infinity, -8, NAN, 1, 0, 0},
          {{12, 0, 0, -infinity, 12, NAN, 0, 0, 1},
           {8 * std::log(2.0), 0, 0, -infinity, NAN, NAN, std::log(3.0), NAN, 0}});
    check("a constant exponent", [](const Variables& v) { return pow(v[0], 2); }, {row({-3, 0, 1e200})},
          {9, 0, infinity}, {{-6, 0, 2e200}});
    check("a constant base", [](const Variables& v) { return pow(2, v[0]); }, {row({-1, 0, 10})},
          {0.5, 1, 1024}, {{std::log(2.0) / 2, std::log(2.0), 1024 * std::log(2.0)}});
    check("complex pow", [](const Variables& v) { return pow(v[0], 3); },
          {complex_row(Numbers{{1, 2}, {0, 0}, {-1, 0}})}, {{-11, -2}, 0, -1},
          {{std::conj(3.0 * c128(-3, 4)), 0, 3}});
    check("complex pow", [](const Variables& v) { return pow(v[0], 0); },
          {complex_row(Numbers{{1, 2}, {0, 0}})}, {1, 1}, {{0, 0}});
    check("pow of f32", [](const Variables& v) { return pow(v[0], 0.5); },
          {Tensor::from(std::vector<float>{4, 9})}, {2, 3}, {});
  }

  void maxima() const {
    const Tensor a = row({1, 2, 3, NAN, 1, infinity}), b = row({2, 1, 3, 1, NAN, infinity});
    check("maximum", maximum, a, b, {2, 2, 3, NAN, NAN, infinity},
          {{0, 1, 0.5, 1, 1, 0.5}, {1, 0, 0.5, 1, 1, 0.5}});
    check("minimum", minimum, a, b, {1, 1, 3, NAN, NAN, infinity},
          {{1, 0, 0.5, 1, 1, 0.5}, {0, 1, 0.5, 1, 1, 0.5}});
    check("clamp", [](const Variables& v) { return clamp(v[0], -1, 2); },
          {row({-1, 2, -1.5, 2.5, 0, NAN, -infinity})}, {-1, 2, -1, 2, 0, NAN, -1}, {{1, 1, 0, 0, 1, 0, 0}});
    check("clamp from below", [](const Variables& v) { return clamp(v[0], 0, infinity); },
          {row({-1, 0, infinity})}, {0, 0, infinity}, {{0, 1, 1}});
    check("clamp with low above high", [](const Variables& v) { return clamp(v[0], 2, 1); },
          {row({0, 1.5, 3})}, {1, 1, 1}, {{0, 0, 0}});
    const auto smallest = [](const Variables& v) { return min(v[0], 0); };
    check("min", smallest, {row({3, 1, 1, 2})}, {1}, {{0, 1, 0, 0}});
    check("min", smallest, {row({3, NAN, -infinity, NAN})}, {NAN}, {{0, 1, 0, 0}});
  }

  void angles() const {
    const double pi = std::acos(-1.0);
    check("angle", angle, complex_row(Numbers{{1, 1}, {0, 2}, {-1, 0}, {-1, -0.0}, {0, 0}, {infinity, 1}}),
          {pi / 4, pi / 2, pi, -pi, 0, 0}, {{-0.5, 0.5}, {-0.5, 0}, {0, -1}, {0, -1}, 0, 0});
    check("angle of huge and tiny ones", angle, complex_row(Numbers{{3e200, 4e200}, {0, 1e-200}}),
          {std::atan2(4.0, 3.0), pi / 2}, {0, {-1e200, 0}});
    check("angle of real ones", angle, row({2, 0, -0.0, -3, -infinity, NAN}), {0, 0, 0, pi, pi, NAN},
          {0, 0, 0, 0, 0, 0});
  }

  void reductions() const {
    const auto total = [](const Variables& v) { return logsumexp(v[0], -1); };
    check("logsumexp", total, {row({1000, 1000})}, {1000 + std::log(2.0)}, {{0.5, 0.5}});
    check("logsumexp of -inf", total, {row({-infinity, -infinity})}, {-infinity}, {{0, 0}});
    check("logsumexp with -inf", total, {row({-infinity, 3})}, {3}, {{0, 1}});
    check("logsumexp with inf", total, {row({infinity, 3})}, {infinity}, {{NAN, 0}});
    check("logsumexp with NaN", total, {row({NAN, 3})}, {NAN}, {{NAN, NAN}});
    check("logsumexp of nothing", total, {Tensor::zeros({2, 0}, DType::f64)}, {-infinity, -infinity}, {{}});
    const auto length = [](const Variables& v) { return norm(v[0], 0); };
    check("norm", length, {row({3, 4})}, {5}, {{0.6, 0.8}});
    check("norm", length, {complex_row(Numbers{{3, 0}, {0, -4}})}, {5}, {{0.6, {0, -0.8}}});
    check("norm of zeros", length, {row({0, 0})}, {0}, {{0, 0}});
    check("norm with inf", length, {row({infinity, 1})}, {infinity}, {{NAN, 0}});
    check("norm of nothing", length, {Tensor::zeros({0}, DType::f64)}, {0}, {{}});
    const Tensor large = Tensor::from(std::vector<float>{3e30F, 4e30F}).to(device_);
    EXPECT_FLOAT_EQ(raw::norm(large).host().item<float>(), 5e30F);
    const auto spread = [](const Variables& v) { return var(v[0]); };
    check("var", spread, {row({1, 2, 3, 6})}, {14.0 / 3}, {{-4.0 / 3, -2.0 / 3, 0, 2}});
    check("var", spread, {complex_row(Numbers{{1, 1}, {-1, -1}})}, {4}, {{{2, 2}, {-2, -2}}});
    check("var of one", spread, {row({1})}, {NAN}, {{NAN}});
    check("var without correction", [](const Variables& v) { return var(v[0], {0}, 0, true); }, {row({1, 3})},
          {1}, {{-1, 1}});
    check("var of nothing", spread, {Tensor::zeros({0}, DType::f64)}, {NAN}, {{}});
    check("cumsum", [](const Variables& v) { return cumsum(v[0], 0); }, {row({1, infinity, 2, -infinity, 1})},
          {1, infinity, infinity, NAN, NAN}, {{5, 4, 3, 2, 1}});
  }

  void choices() const {
    const Tensor first = Tensor::from(std::vector<bool>{true, false, true}).to(device_);
    check("where", [&](const Variables& v) { return where(first, v[0], v[1]); },
          {row({1, NAN, 3}), row({infinity, 5, NAN})}, {1, 5, 3}, {{1, 0, 1}, {0, 1, 0}});
    check("masked_fill", [&](const Variables& v) { return masked_fill(v[0], first, -infinity); },
          {row({NAN, 2, 3})}, {-infinity, 2, -infinity}, {{0, 1, 0}});
    const Tensor x = row({1, NAN, 3}).to(device_), y = row({2}).to(device_);
    expect_same("less", (x < y).to(DType::f64), {1, 0, 0});
    expect_same("greater_equal", (x >= 3).to(DType::f64), {0, 0, 1});
    expect_same("equal", raw::equal(x, x).to(DType::f64), {1, 0, 1});
    expect_same("not_equal", raw::not_equal(x, x).to(DType::f64), {0, 1, 0});
    const Tensor z = complex_row(Numbers{{1, 2}, {1, 3}}).to(device_);
    expect_same("equal", raw::equal(z, z.select(0, 0)).to(DType::f64), {1, 0});
    expect_same("logical_and", raw::logical_and(first, x < 2).to(DType::f64), {1, 0, 0});
    expect_same("logical_or", raw::logical_or(first, x < 2).to(DType::f64), {1, 0, 1});
    expect_same("logical_not", raw::logical_not(first).to(DType::f64), {0, 1, 0});
  }

  void all() const { logarithms_and_exponentials(), powers(), maxima(), angles(), reductions(), choices(); }

 private:
  Device device_;
};

TEST(Conventions, OnTheCpu) { Conventions(Device{}).all(); }

TEST(ConventionsCuda, OnTheGpu) {
  LRUREC_NEEDS_GPU();
  Conventions(test::gpu).all();
}

}  // namespace
}  // namespace lrurec::ops
