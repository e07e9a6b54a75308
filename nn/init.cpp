#include "nn/init.h"

#include <cmath>
#include <numbers>

#include "tensor/random.h"

namespace lrurec::nn {
namespace {

// Apart from the streams of dropout (below 2^62) and of batch order (from 2^63), which share the run's seed.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;

}  // namespace

Tensor Initializer::constant(const Shape& shape, double value) { return Tensor::full(shape, value, real_); }

Tensor Initializer::truncated_normal(const Shape& shape, double sigma, double cut) {
  const Philox random(seed_, first_stream + streams_++);
  std::vector<double> x(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random.truncated_normal(i, sigma, cut);
  return Tensor::from(x, shape).to(real_);
}

Tensor Initializer::truncated_normal_complex(const Shape& shape, double sigma, double cut) {
  Shape parts = shape;
  parts.push_back(2);
  return truncated_normal(parts, sigma, cut).view_as_complex();
}

Initializer::Ring Initializer::ring(std::int64_t channels, double r_min, double r_max) {
  const Philox random(seed_, first_stream + streams_++);
  std::vector<double> nu_log, theta_log, gamma_log;
  for (std::uint64_t d = 0; d < static_cast<std::uint64_t>(channels); ++d) {
    // Philox uniforms are never 0 or 1, so neither logarithm meets a zero.
    const double squared = r_min * r_min + random.uniform(2 * d) * (r_max * r_max - r_min * r_min);
    const double nu = -0.5 * std::log(squared);
    nu_log.push_back(std::log(nu));
    theta_log.push_back(std::log(2 * std::numbers::pi * random.uniform(2 * d + 1)));
    gamma_log.push_back(0.5 * std::log(-std::expm1(-2 * nu)));
  }
  return {Tensor::from(nu_log).to(real_), Tensor::from(theta_log).to(real_),
          Tensor::from(gamma_log).to(real_)};
}

}  // namespace lrurec::nn
