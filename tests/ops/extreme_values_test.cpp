// Numbers at the ends of their range: values and gradients that are right, infinite or NaN where they must
// be.

#include <cmath>
#include <functional>
#include <limits>

#include "ops/ops.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Values of f and its gradients where each output's gradient is 1; inputs and arithmetic on a device.
struct Result {
  std::vector<c128> y;
  std::vector<std::vector<c128>> dx;
};
Result run(const std::function<Variable(const Variables&)>& f, const Tensors& inputs, Device device) {
  Variables leaves;
  for (const auto& x : inputs) leaves.emplace_back(x.to(device), true);
  const Variable y = f(leaves);
  backward({y}, {Tensor::full(y.shape(), 1, y.dtype(), device)});
  Result result{test::values(y.value().host()), {}};
  for (const auto& x : leaves) result.dx.push_back(test::values(x.grad().host()));
  return result;
}

void expect_near(c128 found, c128 expected, const char* what) {
  const auto part = [&](double a, double b) {
    if (std::isnan(b)) return std::isnan(a);
    return std::isinf(b) ? a == b : std::abs(a - b) <= 1e-6 * std::abs(b);
  };
  EXPECT_TRUE(part(found.real(), expected.real()) && part(found.imag(), expected.imag()))
      << what << ": " << found << " instead of " << expected;
}

template <class T>
Tensor one(T x) {
  return Tensor::from(std::vector<T>{x});
}

class ExtremeValues {
 public:
  explicit ExtremeValues(Device device) : device_(device) {}

  void quotients() const {
    const auto quotient = [](const Variables& v) { return v[0] / v[1]; };
    const auto check = [&](const Tensor& a, const Tensor& b, c128 db) {
      expect_near(run(quotient, {a, b}, device_).dx[1][0], db, "d(a / b) / db");
    };
    check(one(3e38F), one(2e19F), -0.75);
    check(one(0.F), one(1e-23F), 0);
    check(one(1e-25F), one(1e-25F), -1e25);
    check(one(1.0), one(0.0), -infinity);
    check(one(c128(1e200, 1e200)), one(c128(1e200, 1e200)), {-5e-201, -5e-201});
    expect_near(run(quotient, {one(c128(1, 1)), one(c128(0, 0))}, device_).y[0], {NAN, NAN},
                "complex division by 0");
  }

  void logits() const {
    const Tensor label = Tensor::from(std::vector<std::int64_t>{0}).to(device_);
    for (const double large : {1e8, 1e4, -1e8}) {
      const Tensor x =
          Tensor::from(std::vector<float>{static_cast<float>(large), static_cast<float>(large)}, {1, 2});
      const Result stored = run([&](const Variables& v) { return cross_entropy(v[0], label); }, {x}, device_);
      expect_near(stored.y[0], std::log(2.0), "cross_entropy");
      expect_near(stored.dx[0][0], -0.5, "its gradient");
      expect_near(stored.dx[0][1], 0.5, "its gradient");
      // The same by the fused head: the bias is the logit. Few classes, and so many that scores are made
      // twice.
      for (const std::int64_t classes : {2, 40000}) {
        const Tensor h = Tensor::zeros({1, 3}, DType::f32), W = Tensor::zeros({classes, 3}, DType::f32);
        Tensor b = Tensor::full({classes}, -infinity, DType::f32);
        b.slice(0, 0, 2).copy_(x.reshape({2}));
        const Result fused =
            run([&](const Variables& v) { return linear_cross_entropy(v[0], v[1], v[2], label); }, {h, W, b},
                device_);
        expect_near(fused.y[0], std::log(2.0), "linear_cross_entropy");
        expect_near(fused.dx[2][0], -0.5, "its gradient");
        expect_near(fused.dx[2][1], 0.5, "its gradient");
        expect_near(fused.dx[2][static_cast<std::size_t>(classes) - 1], classes == 2 ? 0.5 : 0,
                    "a class of bias -inf");
      }
    }
  }

  void softmax_rows() const {
    const auto values = [&](std::vector<float> x) {
      return run([](const Variables& v) { return softmax(v[0]); }, {Tensor::from(x)}, device_).y;
    };
    for (const auto share : values({std::numeric_limits<float>::infinity(), 1, 2})) {
      expect_near(share, NAN, "a row with an infinite element");
    }
    expect_near(values({-std::numeric_limits<float>::infinity(), 1, 1})[1], 0.5, "one with minus infinity");
  }

  void exponentials() const {
    const auto e = [&](const Tensor& x) {
      return run([](const Variables& v) { return exp(v[0]); }, {x}, device_).y[0];
    };
    for (const float x : {88.3F, 88.5F, 88.7F, 88.72F})
      expect_near(e(one(x)), std::exp(static_cast<double>(x)), "exp f32");
    for (const double x : {709.4, 709.6, 709.78}) expect_near(e(one(x)), std::exp(x), "exp f64");
    expect_near(e(one(88.8F)), infinity, "exp f32");
    expect_near(e(one(709.8)), infinity, "exp f64");
    expect_near(e(one(-infinity)), 0, "exp f64");
  }

  void activations() const {
    const auto at = [&](auto f, double x) {
      return run([&](const Variables& v) { return f(v[0]); }, {one(x)}, device_);
    };
    const auto gelu_of = [](const Variable& x) { return gelu(x); };
    for (const double x : {1e10, 1e160, 1e300}) {
      expect_near(at(gelu_of, x).y[0], x, "gelu");
      expect_near(at(gelu_of, x).dx[0][0], 1, "gelu'");
      expect_near(at(gelu_of, -x).y[0], 0, "gelu");
      expect_near(at(gelu_of, -x).dx[0][0], 0, "gelu'");
    }
    const auto relu_of = [](const Variable& x) { return relu(x); };
    expect_near(at(relu_of, NAN).y[0], NAN, "relu");
    expect_near(at(relu_of, NAN).dx[0][0], 1, "relu' of NaN hands the gradient on");
    expect_near(at(relu_of, 0).dx[0][0], 0, "relu'");
    expect_near(at([](const Variable& x) { return log(x); }, 0).dx[0][0], infinity, "log' at 0");
    expect_near(at([](const Variable& x) { return sqrt(x); }, 0).dx[0][0], infinity, "sqrt' at 0");
    const auto complex_zero = one(c128(0, 0));
    for (const auto& f :
         {std::function<Variable(const Variables&)>([](const Variables& v) { return log(v[0]); }),
          std::function<Variable(const Variables&)>([](const Variables& v) { return sqrt(v[0]); })}) {
      expect_near(run(f, {complex_zero}, device_).dx[0][0], {NAN, NAN}, "complex poles have no direction");
    }
  }

  void absolute_values() const {
    const auto slope = [&](const Tensor& x) {
      return run([](const Variables& v) { return abs(v[0]); }, {x}, device_).dx[0][0];
    };
    expect_near(slope(one(infinity)), 1, "abs'");
    expect_near(slope(one(-infinity)), -1, "abs'");
    expect_near(slope(one(0.0)), 0, "abs'");
    expect_near(slope(one(c128(infinity, 1))), {1, 0}, "abs'");
    expect_near(slope(one(c128(infinity, -infinity))), {std::sqrt(0.5), -std::sqrt(0.5)}, "abs'");
    expect_near(slope(one(c128(1e300, 1e300))), {std::sqrt(0.5), std::sqrt(0.5)}, "abs'");
    expect_near(slope(one(c128(NAN, 1))), {NAN, NAN}, "abs'");
  }

  // A zero's sign is the sign of the infinity behind it, and the side of a branch cut.
  void signs_of_zero() const {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const std::int64_t n : {1, 33}) {
        const Tensor y = raw::neg(Tensor::zeros({n}, dtype, device_)).host().to(DType::f64);
        for (const double zero : y.to_vector<double>()) EXPECT_TRUE(zero == 0 && std::signbit(zero)) << n;
      }
    }
  }

  void all() const {
    signs_of_zero(), quotients(), logits(), softmax_rows(), exponentials(), activations(), absolute_values();
  }

 private:
  Device device_;
};

TEST(ExtremeValues, OnTheCpu) { ExtremeValues(Device{}).all(); }

TEST(ExtremeValuesCuda, OnTheGpu) {
  LRUREC_NEEDS_GPU();
  ExtremeValues(test::gpu).all();
}

}  // namespace
}  // namespace lrurec::ops
