// lambda = exp(-exp(nu) + i exp(theta)): its gradient by hand and by the library.
#include <fmt/format.h>

#include <cmath>
#include <complex>

#include "autograd/gradcheck.h"
#include "ops/ops.h"

using namespace lrurec;

Variable lambda_of(const Variable& nu, const Variable& theta) {
  return ops::exp(ops::complex(-ops::exp(nu), ops::exp(theta)));
}

int main() {
  const double nu = -1, theta = 0.5;
  const Variable n(Tensor::scalar(nu), true), t(Tensor::scalar(theta), true);
  const Variable lambda = lambda_of(n, t);
  const c128 value = lambda.value().item<c128>(), dlambda(0.3, -0.7);  // any gradient that may arrive
  backward({lambda}, {Tensor::scalar(dlambda)});

  const c128 dz = dlambda * std::conj(value);  // through exp
  fmt::print("|lambda| {:.4f}, angle {:.4f}\n", std::abs(value), std::arg(value));
  fmt::print("dnu    by hand {:.4f}, library {:.4f}\n", -std::exp(nu) * dz.real(), n.grad().item<double>());
  fmt::print("dtheta by hand {:.4f}, library {:.4f}\n", std::exp(theta) * dz.imag(), t.grad().item<double>());

  const auto report =
      gradcheck("lambda", [](const Variables& in) { return Variables{lambda_of(in[0], in[1])}; }, {n, t});
  fmt::print("central differences agree: {}\n", report ? "yes" : "no");

  for (const double extreme : {-8.0, 0.0, 4.0}) {
    const Variable at(Tensor::scalar(extreme));
    fmt::print("nu {:2}: |lambda| {:.4g}\n", extreme, std::abs(lambda_of(at, t).value().item<c128>()));
  }
}
