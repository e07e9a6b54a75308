#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/layer_norm/kernels.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void layer_norm_forward(Cpu, std::int64_t rows, std::int64_t width, const T* x, const T* weight,
                        const T* bias, double eps, T* y, T* mean, T* rstd) {
  const T n = static_cast<T>(width);
#pragma omp parallel for schedule(static) if (rows * width > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* in = x + r * width;
    T* out = y + r * width;
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < width; ++c) sum += in[c];
    const T mu = sum / n;
    T squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t c = 0; c < width; ++c) squares += (in[c] - mu) * (in[c] - mu);
    const T scale = T(1) / std::sqrt(squares / n + static_cast<T>(eps));
    for (std::int64_t c = 0; c < width; ++c) out[c] = (in[c] - mu) * scale * weight[c] + bias[c];
    mean[r] = mu;
    rstd[r] = scale;
  }
}

template <class T>
void layer_norm_backward(Cpu, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                         const T* mean, const T* rstd, T* dx, T* dweight, T* dbias) {
  constexpr std::int64_t block = 512;
  const std::int64_t blocks = (rows + block - 1) / block;
  const T n = static_cast<T>(width);
  std::vector<T> partial(static_cast<std::size_t>(blocks * 2 * width));
#pragma omp parallel for schedule(static) if (rows * width > parallel_grain)
  for (std::int64_t b = 0; b < blocks; ++b) {
    T* weight_sum = partial.data() + b * 2 * width;
    T* bias_sum = weight_sum + width;
    for (std::int64_t r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      const T* g = dy + r * width;
      const T* in = x + r * width;
      T* out = dx + r * width;
      T sum_g = 0, sum_gn = 0;
#pragma omp simd reduction(+ : sum_g, sum_gn)
      for (std::int64_t c = 0; c < width; ++c) {
        const T normal = (in[c] - mean[r]) * rstd[r];
        sum_g += g[c] * weight[c];
        sum_gn += g[c] * weight[c] * normal;
      }
      const T mean_g = sum_g / n, mean_gn = sum_gn / n;
#pragma omp simd
      for (std::int64_t c = 0; c < width; ++c) {
        const T normal = (in[c] - mean[r]) * rstd[r];
        out[c] = rstd[r] * (g[c] * weight[c] - mean_g - normal * mean_gn);
        weight_sum[c] += g[c] * normal;
        bias_sum[c] += g[c];
      }
    }
  }
  for (std::int64_t c = 0; c < width; ++c) {
    double weight_total = 0, bias_total = 0;
    for (std::int64_t b = 0; b < blocks; ++b) {
      weight_total += static_cast<double>(partial[static_cast<std::size_t>(b * 2 * width + c)]);
      bias_total += static_cast<double>(partial[static_cast<std::size_t>((b * 2 + 1) * width + c)]);
    }
    dweight[c] = static_cast<T>(weight_total);
    dbias[c] = static_cast<T>(bias_total);
  }
}

#define LAYER_NORM(T)                                                                                        \
  template void layer_norm_forward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, const T*, double, \
                                      T*, T*, T*);                                                           \
  template void layer_norm_backward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, const T*,        \
                                       const T*, const T*, T*, T*, T*);
LAYER_NORM(float)
LAYER_NORM(double)

}  // namespace lrurec::ops::kernels
