#include <algorithm>
#include <vector>

#include "ops/primitives/row_norm_cpu.h"
#include "ops/rms_norm/kernels.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void rms_norm_forward(Cpu, std::int64_t rows, std::int64_t width, const T* x, const T* weight, double eps,
                      T* y, T* scale) {
#pragma omp parallel for schedule(static) if (rows * width > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* in = x + r * width;
    T* out = y + r * width;
    const T of_row = row_moments<false>(width, in, static_cast<T>(eps)).rstd;
    for (std::int64_t c = 0; c < width; ++c) out[c] = in[c] * of_row * weight[c];
    scale[r] = of_row;
  }
}

template <class T>
void rms_norm_backward(Cpu, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                       const T* scale, T* dx, T* dweight) {
  constexpr std::int64_t block = 512;
  const std::int64_t blocks = (rows + block - 1) / block;
  // The second sum of each block is that of a bias, which RMS norm does not have.
  std::vector<T> partial(static_cast<std::size_t>(blocks * 2 * width)),
      unused(static_cast<std::size_t>(width));
#pragma omp parallel for schedule(static) if (rows * width > parallel_grain)
  for (std::int64_t b = 0; b < blocks; ++b) {
    T *weight_sum = partial.data() + b * 2 * width, *bias_sum = weight_sum + width;
    for (std::int64_t r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      const T *in = x + r * width, of_row = scale[r];
      const auto normal = [=](std::int64_t c) { return in[c] * of_row; };
      row_norm_backward<false>(width, dy + r * width, weight, normal, of_row, dx + r * width, weight_sum,
                               bias_sum);
    }
  }
  join_norm_sums(blocks, width, partial.data(), dweight, unused.data());
}

#define RMS_NORM(T)                                                                                       \
  template void rms_norm_forward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, double, T*, T*); \
  template void rms_norm_backward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, const T*,       \
                                     const T*, T*, T*);
RMS_NORM(float)
RMS_NORM(double)

}  // namespace lrurec::ops::kernels
