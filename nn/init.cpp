#include "nn/init.h"

#include <cmath>
#include <numbers>

#include "tensor/dispatch.h"
#include "tensor/random.h"
#include "tensor/strided_loop.h"

namespace lrurec::nn {
namespace {

// Apart from the other streams of the run's seed; all are listed in docs/architecture.md.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;

double weight_sigma(std::int64_t inputs, WeightScale scale, double parts) {
  return scale == WeightScale::published ? 0.02 : 1 / std::sqrt(static_cast<double>(inputs) * parts);
}

}  // namespace

Initializer Initializer::without_values(DType real) {
  Initializer init(0, real);
  init.values_ = false;
  return init;
}

Tensor Initializer::constant(const Shape& shape, double value) {
  return values_ ? Tensor::full(shape, value, real_) : Tensor::empty(shape, real_);
}

Tensor Initializer::function(const Shape& shape, const std::function<double(std::int64_t)>& value) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.numel(); ++i) values.push_back(value(i));
  return Tensor::from(values, shape).to(real_);
}

Tensor Initializer::function_complex(const Shape& shape,
                                     const std::function<std::complex<double>(std::int64_t)>& value) {
  Shape parts = shape;
  parts.push_back(2);
  return function(parts,
                  [&](std::int64_t i) { return i % 2 == 0 ? value(i / 2).real() : value(i / 2).imag(); })
      .view_as_complex();
}

Tensor Initializer::uniform(const Shape& shape, double low, double high) {
  const Philox random(seed_, first_stream + streams_++);
  return function(shape, [&](std::int64_t i) {
    return low + (high - low) * random.uniform(static_cast<std::uint64_t>(i));
  });
}

Tensor Initializer::truncated_normal(const Shape& shape, double sigma, double cut) {
  const Philox random(seed_, first_stream + streams_++);
  const Tensor x = Tensor::empty(shape, real_);
  if (!values_) return x;
  // Written in place and by all threads: a table of millions of items has no room for a copy in f64.
  dispatch_real("truncated_normal", real_, [&]<class T>() {
    T* values = x.data<T>();
    const std::int64_t n = shape.numel();
#pragma omp parallel for schedule(static) if (n > parallel_grain)
    for (std::int64_t i = 0; i < n; ++i) {
      values[i] = static_cast<T>(random.truncated_normal(static_cast<std::uint64_t>(i), sigma, cut));
    }
  });
  return x;
}

Tensor Initializer::truncated_normal_complex(const Shape& shape, double sigma, double cut) {
  Shape parts = shape;
  parts.push_back(2);
  return truncated_normal(parts, sigma, cut).view_as_complex();
}

Tensor Initializer::weights(std::int64_t outputs, std::int64_t inputs, WeightScale scale) {
  const double sigma = weight_sigma(inputs, scale, 1);
  return truncated_normal({outputs, inputs}, sigma, 2 * sigma);
}

Tensor Initializer::weights_complex(std::int64_t outputs, std::int64_t inputs, WeightScale scale) {
  const double sigma = weight_sigma(inputs, scale, 2);
  return truncated_normal_complex({outputs, inputs}, sigma, 2 * sigma);
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
