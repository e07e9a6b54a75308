// lambda = exp(-exp(nu_log) + i exp(theta_log)): its gradient by hand and by the library.
#include <fmt/format.h>

#include <cmath>
#include <complex>

#include "autograd/gradcheck.h"
#include "ops/ops.h"

using namespace lrurec;

Variable lambda_of(const Variable& nu_log, const Variable& theta_log) {
  return ops::exp(ops::complex(-ops::exp(nu_log), ops::exp(theta_log)));
}

int main() {
  const double nu_log = -1, theta_log = 0.5;
  const Variable n(Tensor::scalar(nu_log), true), t(Tensor::scalar(theta_log), true);
  const Variable lambda = lambda_of(n, t);
  const c128 value = lambda.value().item<c128>(), dlambda(0.3, -0.7);  // any gradient that may arrive
  backward({lambda}, {Tensor::scalar(dlambda)});

  const c128 dz = dlambda * std::conj(value);  // through exp
  fmt::print("|lambda| {:.4f}, angle {:.4f}\n", std::abs(value), std::arg(value));
  fmt::print("dnu_log    by hand {:.4f}, library {:.4f}\n", -std::exp(nu_log) * dz.real(),
             n.grad().item<double>());
  fmt::print("dtheta_log by hand {:.4f}, library {:.4f}\n", std::exp(theta_log) * dz.imag(),
             t.grad().item<double>());

  const auto report =
      gradcheck("lambda", [](const Variables& in) { return Variables{lambda_of(in[0], in[1])}; }, {n, t});
  fmt::print("central differences agree: {}\n", report ? "yes" : "no");

  for (const double extreme : {-8.0, 0.0, 4.0}) {
    const Variable at(Tensor::scalar(extreme));
    fmt::print("nu_log {:2}: |lambda| {:.4g}\n", extreme, std::abs(lambda_of(at, t).value().item<c128>()));
  }
}
