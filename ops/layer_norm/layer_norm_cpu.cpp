#include <algorithm>
#include <vector>

#include "ops/layer_norm/kernels.h"
#include "ops/primitives/row_norm_cpu.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void layer_norm_forward(Cpu, std::int64_t rows, std::int64_t width, const T* x, const T* weight,
                        const T* bias, double eps, T* y, T* mean, T* rstd) {
#pragma omp parallel for schedule(static) if (rows * width > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* in = x + r * width;
    T* out = y + r * width;
    const auto moments = row_moments(width, in, static_cast<T>(eps));
    for (std::int64_t c = 0; c < width; ++c) {
      out[c] = (in[c] - moments.mean) * moments.rstd * weight[c] + bias[c];
    }
    mean[r] = moments.mean;
    rstd[r] = moments.rstd;
  }
}

template <class T>
void layer_norm_backward(Cpu, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                         const T* mean, const T* rstd, T* dx, T* dweight, T* dbias) {
  constexpr std::int64_t block = 512;
  const std::int64_t blocks = (rows + block - 1) / block;
  std::vector<T> partial(static_cast<std::size_t>(blocks * 2 * width));
#pragma omp parallel for schedule(static) if (rows * width > parallel_grain)
  for (std::int64_t b = 0; b < blocks; ++b) {
    T *weight_sum = partial.data() + b * 2 * width, *bias_sum = weight_sum + width;
    for (std::int64_t r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      const T *in = x + r * width, mu = mean[r], scale = rstd[r];
      const auto normal = [=](std::int64_t c) { return (in[c] - mu) * scale; };
      row_norm_backward(width, dy + r * width, weight, normal, scale, dx + r * width, weight_sum, bias_sum);
    }
  }
  join_norm_sums(blocks, width, partial.data(), dweight, dbias);
}

#define LAYER_NORM(T)                                                                                        \
  template void layer_norm_forward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, const T*, double, \
                                      T*, T*, T*);                                                           \
  template void layer_norm_backward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, const T*,        \
                                       const T*, const T*, T*, T*, T*);
LAYER_NORM(float)
LAYER_NORM(double)

}  // namespace lrurec::ops::kernels
