#include "nn/init.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/dispatch.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tensor/strided_loop.h"

namespace lrurec::nn {
namespace {

// Apart from the other streams of a run's seed, which docs/architecture.md lists.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;

double weight_sigma(std::int64_t inputs, WeightScale scale, double parts) {
  return scale == WeightScale::published ? 0.02 : 1 / std::sqrt(static_cast<double>(inputs) * parts);
}

struct Fans {
  double in, out;
};

Fans fans(const Shape& shape) {
  if (shape.rank() < 2)
    fail_op("Initializer", "weights [outputs, inputs, ...] are needed, not {}", shape.str());
  double field = 1;
  for (int d = 2; d < shape.rank(); ++d) field *= static_cast<double>(shape[d]);
  return {static_cast<double>(shape[1]) * field, static_cast<double>(shape[0]) * field};
}

/// Makes rows orthonormal, in place: Gram-Schmidt, twice, since one pass leaves rounding errors.
void orthonormalise(std::vector<std::vector<double>>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto along = [&rows, i](std::size_t j) {
      return std::inner_product(rows[i].begin(), rows[i].end(), rows[j].begin(), 0.0);
    };
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const double share = along(j);
        for (std::size_t k = 0; k < rows[i].size(); ++k) rows[i][k] -= share * rows[j][k];
      }
    }
    const double norm = std::sqrt(along(i));
    for (double& value : rows[i]) value /= norm;
  }
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

Tensor Initializer::normal(const Shape& shape, double mean, double sigma) {
  const Philox random(seed_, first_stream + streams_++);
  return function(
      shape, [&](std::int64_t i) { return mean + sigma * random.normal(static_cast<std::uint64_t>(i)); });
}

Tensor Initializer::xavier_uniform(const Shape& shape, double gain) {
  const auto [in, out] = fans(shape);
  const double bound = gain * std::sqrt(6 / (in + out));  // the variance of uniform(-b, b) is b^2 / 3
  return uniform(shape, -bound, bound);
}

Tensor Initializer::xavier_normal(const Shape& shape, double gain) {
  const auto [in, out] = fans(shape);
  return normal(shape, 0, gain * std::sqrt(2 / (in + out)));
}

Tensor Initializer::kaiming_uniform(const Shape& shape, double gain) {
  const double bound = gain * std::sqrt(3 / fans(shape).in);
  return uniform(shape, -bound, bound);
}

Tensor Initializer::kaiming_normal(const Shape& shape, double gain) {
  return normal(shape, 0, gain / std::sqrt(fans(shape).in));
}

Tensor Initializer::orthogonal(const Shape& shape, double gain) {
  fans(shape);
  const std::int64_t rows = shape[0], columns = rows == 0 ? 0 : shape.numel() / rows;
  const Philox random(seed_, first_stream + streams_++);
  const bool wide = rows <= columns;
  std::vector<std::vector<double>> basis(static_cast<std::size_t>(std::min(rows, columns)));
  std::uint64_t drawn = 0;
  for (auto& vector : basis) {
    for (std::int64_t k = 0; k < std::max(rows, columns); ++k) vector.push_back(random.normal(drawn++));
  }
  orthonormalise(basis);
  return function(shape, [&](std::int64_t i) {
    const auto row = static_cast<std::size_t>(i / columns), column = static_cast<std::size_t>(i % columns);
    return gain * (wide ? basis[row][column] : basis[column][row]);
  });
}

Tensor Initializer::truncated_normal(const Shape& shape, double sigma, double cut) {
  // With a cut far below sigma nearly every draw would be thrown away.
  if (!(sigma >= 0) || !std::isfinite(sigma) || !(cut >= sigma / 1000)) {
    fail_op("truncated_normal",
            "sigma = {} and cut = {}: sigma must be finite and not negative, the cut at least "
            "a thousandth of it",
            sigma, cut);
  }
  const Philox random(seed_, first_stream + streams_++);
  const Tensor x = Tensor::empty(shape, real_);
  if (!values_) return x;
  // Written in place and by all threads, since there is no room for a copy in f64 of a table of millions of
  // items.
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
  return truncated_normal({outputs, inputs}, sigma);
}

Tensor Initializer::weights_complex(std::int64_t outputs, std::int64_t inputs, WeightScale scale) {
  const double sigma = weight_sigma(inputs, scale, 2);
  return truncated_normal_complex({outputs, inputs}, sigma);
}

Initializer::Ring Initializer::ring(std::int64_t channels, double r_min, double r_max) {
  if (!(0 <= r_min && r_min <= r_max && r_max < 1 && r_max > 0)) {
    fail_op("ring", "r_min = {} and r_max = {}: 0 <= r_min <= r_max < 1 and r_max > 0 are needed", r_min,
            r_max);
  }
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
