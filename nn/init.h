#pragma once
// Initial values of parameters.

#include <complex>
#include <cstdint>
#include <functional>
#include <numbers>

#include "tensor/tensor.h"

namespace lrurec::nn {

/// How large the initial weights of a linear map are.
enum class WeightScale {
  published,  ///< sigma .02 whatever the width, as in the published model: a branch of several layers begins
              ///< with almost no output
  fan_in,     ///< sigma 1 / sqrt(inputs): outputs about as large as inputs
};

/// Draws initial values. Every tensor gets a random stream of its own, in the order of the calls, so the
/// values depend on the seed and the model alone. f64 and f32 models agree up to rounding.
class Initializer {
 public:
  /// `real` is the real dtype of the parameters, f32 or f64; complex ones get its counterpart.
  explicit Initializer(std::uint64_t seed, DType real = DType::f32) : seed_(seed), real_(real) {}
  /// Leaves out values that take time, for a module whose values are copied afterwards (Module::copy_values).
  static Initializer without_values(DType real);

  Tensor constant(const Shape& shape, double value);
  /// value(i) of element i in row-major order.
  Tensor function(const Shape& shape, const std::function<double(std::int64_t)>& value);
  Tensor function_complex(const Shape& shape, const std::function<std::complex<double>(std::int64_t)>& value);
  Tensor uniform(const Shape& shape, double low, double high);
  Tensor normal(const Shape& shape, double mean = 0, double sigma = 1);
  /// Normal(0, sigma) cut at +-`cut` by rejection; `cut` is at least sigma / 1000. By default it is 2 sigma,
  /// which leaves a standard deviation of .88 sigma.
  Tensor truncated_normal(const Shape& shape, double sigma = 0.02) {
    return truncated_normal(shape, sigma, 2 * sigma);
  }
  Tensor truncated_normal(const Shape& shape, double sigma, double cut);
  /// The same for real and imaginary part separately.
  Tensor truncated_normal_complex(const Shape& shape, double sigma = 0.02) {
    return truncated_normal_complex(shape, sigma, 2 * sigma);
  }
  Tensor truncated_normal_complex(const Shape& shape, double sigma, double cut);
  /// Weights [outputs, inputs], normal and cut at +-2 sigma. For complex ones the published sigma is that of
  /// each part; with fan_in both parts together have 1 / sqrt(inputs).
  Tensor weights(std::int64_t outputs, std::int64_t inputs, WeightScale scale);
  Tensor weights_complex(std::int64_t outputs, std::int64_t inputs, WeightScale scale);

  // The usual initial values, for weights [outputs, inputs, ...]. fan_in is inputs, and fan_out outputs,
  // times the sizes that follow. A shape of fewer than two dimensions is an error. A layer takes them by
  // `linear.weight.set_value(init.xavier_uniform(linear.weight.shape()))`.
  /// Variance gain^2 2 / (fan_in + fan_out) (Glorot & Bengio, 2010).
  Tensor xavier_uniform(const Shape& shape, double gain = 1);
  Tensor xavier_normal(const Shape& shape, double gain = 1);
  /// Variance gain^2 / fan_in; the gain of ReLU is sqrt(2) (He et al., 2015).
  Tensor kaiming_uniform(const Shape& shape, double gain = std::numbers::sqrt2);
  Tensor kaiming_normal(const Shape& shape, double gain = std::numbers::sqrt2);
  /// gain times a random matrix with orthonormal rows, or orthonormal columns where there are fewer columns
  /// (Saxe et al., 2014), drawn uniformly from all such matrices. All sizes but the first count as columns.
  Tensor orthogonal(const Shape& shape, double gain = 1);

  /// The ring initialisation of the LRU: |lambda|^2 uniform in [r_min^2, r_max^2], the angle uniform in (0, 2
  /// pi). 0 <= r_min <= r_max < 1 and r_max > 0.
  struct Ring {
    Tensor nu_log;     ///< log(-log|lambda|), [D]
    Tensor theta_log;  ///< log(angle), [D]
    Tensor gamma_log;  ///< log(sqrt(1 - |lambda|^2)), [D]
  };
  Ring ring(std::int64_t channels, double r_min = 0.8, double r_max = 0.99);

 private:
  std::uint64_t seed_;
  std::uint64_t streams_ = 0;
  DType real_;
  bool values_ = true;
};

}  // namespace lrurec::nn
