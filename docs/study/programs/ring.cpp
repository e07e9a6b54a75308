// The initial eigenvalues, what each remembers, and how large its state grows.
#include <fmt/format.h>

#include <cmath>

#include "nn/init.h"
#include "ops/ops.h"
#include "tensor/random.h"

using namespace lrurec;

int main() {
  const auto ring = nn::Initializer(1, DType::f64).ring(4000);
  int inner = 0, upper = 0;
  double least = 1, most = 0;
  const auto nu = ring.nu_log.to_vector<double>(), theta = ring.theta_log.to_vector<double>();
  for (std::size_t d = 0; d < nu.size(); ++d) {
    const double modulus = std::exp(-std::exp(nu[d]));
    least = std::min(least, modulus), most = std::max(most, modulus);
    inner += modulus * modulus < (0.8 * 0.8 + 0.99 * 0.99) / 2;
    upper += std::exp(theta[d]) < 3.141592653589793;
  }
  fmt::print(
      "|lambda| from {:.3f} to {:.3f}; {:.2f} in the inner half of the ring's area, {:.2f} above the axis\n",
      least, most, inner / 4000.0, upper / 4000.0);

  // White noise of variance 1 through four channels, 400,000 steps.
  const std::vector<double> moduli{0.5, 0.8, 0.9, 0.99};
  std::vector<c128> lambda;
  for (const double r : moduli) lambda.push_back(std::polar(r, 1.0));
  const std::int64_t steps = 400000, D = 4;
  const Philox random(2, 0);
  std::vector<c128> noise;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(steps * D); ++i)
    noise.push_back(c128(random.normal(2 * i), random.normal(2 * i + 1)) / std::sqrt(2.0));
  const Tensor h = ops::raw::linear_scan(Tensor::from(lambda), Tensor::from(noise, {steps, D}),
                                         Tensor::from(std::vector<std::int64_t>{0, steps}))
                       .states;
  const auto variance = ops::raw::mean(ops::raw::square(ops::raw::abs(h)), {0}).to_vector<double>();
  fmt::print("|lambda|  half-life  variance of h  1/(1-|lambda|^2)  gamma  with gamma\n");
  for (std::size_t d = 0; d < moduli.size(); ++d) {
    const double r = moduli[d], gamma = std::sqrt(1 - r * r);
    fmt::print("{:8}  {:9.2f}  {:13.1f}  {:16.1f}  {:.3f}  {:10.1f}\n", r, std::log(0.5) / std::log(r),
               variance[d], 1 / (1 - r * r), gamma, gamma * gamma * variance[d]);
  }
}
