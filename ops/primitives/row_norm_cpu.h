#pragma once
// Normalising a row, forward and backward, for CPU kernels: layer norm, alone and with dropout and residual,
// and RMS norm. RMS norm is not `centred`: every mean below is then 0.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace lrurec {

template <class T>
struct RowMoments {
  T mean, rstd;  ///< rstd = 1 / sqrt(variance + eps)
};

template <bool centred = true, class T>
RowMoments<T> row_moments(std::int64_t width, const T* x, T eps) {
  const T n = static_cast<T>(width);
  T sum = 0, squares = 0, rest = 0;
  if constexpr (!centred) {
#pragma omp simd reduction(+ : squares)
    for (std::int64_t c = 0; c < width; ++c) squares += x[c] * x[c];
    return {0, T(1) / std::sqrt(squares / n + eps)};
  }
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < width; ++c) sum += x[c];
  const T rounded = sum / n;
#pragma omp simd reduction(+ : squares, rest)
  for (std::int64_t c = 0; c < width; ++c) {
    const T d = x[c] - rounded;
    squares += d * d;
    rest += d;
  }
  // Corrects the rounding of the mean. In a row of equal numbers, nothing but that error would be left to
  // normalise.
  const T shift = rest / n;
  return {rounded + shift, T(1) / std::sqrt(std::max(squares / n - shift * shift, T(0)) + eps)};
}

/// With g = dy weight: dx = rstd (g - mean(g) - n mean(g n)); dy n is added to dweight and dy to dbias.
/// normal(c) is element c of the normalised row n.
template <bool centred = true, class T, class Normal>
void row_norm_backward(std::int64_t width, const T* dy, const T* weight, Normal normal, T rstd, T* dx,
                       T* dweight, T* dbias) {
  const T n = static_cast<T>(width);
  T sum = 0, sum_normal = 0;
#pragma omp simd reduction(+ : sum, sum_normal)
  for (std::int64_t c = 0; c < width; ++c) {
    sum += dy[c] * weight[c];
    sum_normal += dy[c] * weight[c] * normal(c);
  }
  const T mean = centred ? sum / n : T(0), mean_normal = sum_normal / n;
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) {
    dx[c] = rstd * (dy[c] * weight[c] - mean - normal(c) * mean_normal);
    dweight[c] += dy[c] * normal(c);
    dbias[c] += dy[c];
  }
}

/// partial: [blocks, 2, width], sums for dweight and dbias by blocks of rows; joined in order and in double,
/// so that the bits do not depend on the number of threads.
template <class T>
void join_norm_sums(std::int64_t blocks, std::int64_t width, const T* partial, T* dweight, T* dbias) {
  for (std::int64_t c = 0; c < width; ++c) {
    double weight_total = 0, bias_total = 0;
    for (std::int64_t b = 0; b < blocks; ++b) {
      weight_total += static_cast<double>(partial[b * 2 * width + c]);
      bias_total += static_cast<double>(partial[(2 * b + 1) * width + c]);
    }
    dweight[c] = static_cast<T>(weight_total);
    dbias[c] = static_cast<T>(bias_total);
  }
}

}  // namespace lrurec
