#include <algorithm>
#include <optional>

#include "ops/primitives/row_norm_cpu.h"
#include "ops/residual_layer_norm/kernels.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

/// Rows that are taken together: the mask is drawn for all of them at once, and backward sums them together.
constexpr std::int64_t block_rows = 64;

}  // namespace

template <class T>
void residual_layer_norm(Cpu, const ResidualLayerNorm<T>& f, const T* a, const T* x, T* y, T* normal,
                         T* rstd) {
  const std::int64_t H = f.H;
  ParallelErrors errors;
#pragma omp parallel if (f.tokens > block_rows)
  {
    std::optional<Scratch<T>> scratch;
    errors.attempt([&] { scratch.emplace(block_rows * H); });
#pragma omp for schedule(static)
    for (std::int64_t first = 0; first < f.tokens; first += block_rows) {
      if (!scratch) continue;
      const Scratch<T>& sums = *scratch;
      const std::int64_t n = std::min(block_rows, f.tokens - first);
      f.mask.apply(first * H, n * H, a + first * H, sums.data());
      for (std::int64_t r = 0; r < n; ++r) {
        T* row = sums.data() + r * H;
        const std::int64_t at = (first + r) * H;
        if (x != nullptr) {
          for (std::int64_t c = 0; c < H; ++c) row[c] += x[at + c];
        }
        const auto [mean, scale] = row_moments(H, row, static_cast<T>(f.eps));
        for (std::int64_t c = 0; c < H; ++c) {
          row[c] = (row[c] - mean) * scale;
          y[at + c] = row[c] * f.weight[c] + f.bias[c];
        }
        if (rstd != nullptr) rstd[first + r] = scale;
      }
      if (normal != nullptr) std::copy_n(sums.data(), n * H, normal + first * H);
    }
  }
  errors.rethrow();
}

template <class T>
void residual_layer_norm_backward(Cpu, const ResidualLayerNorm<T>& f, const T* dy, const T* normal,
                                  const T* rstd, T* da, T* dx, T* dweight, T* dbias) {
  const std::int64_t H = f.H, blocks = (f.tokens + block_rows - 1) / block_rows;
  const Scratch<T> partial(blocks * 2 * H, T(0));  // summed in order: the same bits for any number of threads
#pragma omp parallel for schedule(static) if (blocks > 1)
  for (std::int64_t b = 0; b < blocks; ++b) {
    T *weight_sum = partial.data() + b * 2 * H, *bias_sum = weight_sum + H;
    const std::int64_t first = b * block_rows, n = std::min(block_rows, f.tokens - first);
    T* sums = (dx != nullptr ? dx : da) + first * H;  // the gradient of what was normalised
    for (std::int64_t r = first; r < first + n; ++r) {
      const T* in = normal + r * H;
      row_norm_backward(
          H, dy + r * H, f.weight, [=](std::int64_t c) { return in[c]; }, rstd[r], sums + (r - first) * H,
          weight_sum, bias_sum);
    }
    f.mask.apply(first * H, n * H, sums, da + first * H);
  }
  join_norm_sums(blocks, H, partial.data(), dweight, dbias);
}

#define RESIDUAL_LAYER_NORM(T)                                                                            \
  template void residual_layer_norm<T>(Cpu, const ResidualLayerNorm<T>&, const T*, const T*, T*, T*, T*); \
  template void residual_layer_norm_backward<T>(Cpu, const ResidualLayerNorm<T>&, const T*, const T*,     \
                                                const T*, T*, T*, T*, T*);
RESIDUAL_LAYER_NORM(float)
RESIDUAL_LAYER_NORM(double)

}  // namespace lrurec::ops::kernels
