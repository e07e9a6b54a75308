#include "ops/primitives/row_norm_cuda.h"
#include "ops/residual_layer_norm/kernels.h"

namespace lrurec::ops::kernels {
namespace residual_rows {

using cuda::Pack;

/// Multiplies elements first .. first + N - 1 by their mask; first is a multiple of N.
template <class T, int N>
__device__ void apply(const DropoutMask& mask, std::int64_t first, Pack<T, N>& x) {
  if (mask.keeps_all()) return;
  if constexpr (N == 4) {
    const auto factors = mask.factors<T>(static_cast<std::uint64_t>(first / 4));
    for (int j = 0; j < 4; ++j) x[j] *= factors[static_cast<std::size_t>(j)];
  } else {
    x[0] *= mask.factor<T>(first);
  }
}

template <class T>
struct Input {
  std::int64_t H;
  const T *a, *x;
  DropoutMask mask;
  template <int N>
  __device__ Pack<T, N> load(std::int64_t row, std::int64_t c) const {
    const std::int64_t at = row * H + c;
    Pack<T, N> sum = cuda::load<N>(a + at);
    apply(mask, at, sum);
    if (x != nullptr) {
      const Pack<T, N> residual = cuda::load<N>(x + at);
      for (int j = 0; j < N; ++j) sum[j] += residual[j];
    }
    return sum;
  }
};

template <class T>
struct Output {
  std::int64_t H;
  const T *weight, *bias;
  T *y, *normal, *rstd;
  template <int N>
  __device__ void store(std::int64_t row, std::int64_t c, Pack<T, N> n) const {
    const std::int64_t at = row * H + c;
    if (normal != nullptr) cuda::store(normal + at, n);
    const Pack<T, N> w = cuda::load<N>(weight + c), b = cuda::load<N>(bias + c);
    for (int j = 0; j < N; ++j) n[j] = n[j] * w[j] + b[j];
    cuda::store(y + at, n);
  }
  __device__ void finish(std::int64_t row, T, T scale) const {
    if (rstd != nullptr) rstd[row] = scale;
  }
};

template <class T>
struct Saved {
  std::int64_t H;
  const T *dy, *normal, *rstd;
  template <int N>
  __device__ void load(std::int64_t row, std::int64_t c, Pack<T, N>& g, Pack<T, N>& n) const {
    g = cuda::load<N>(dy + row * H + c);
    n = cuda::load<N>(normal + row * H + c);
  }
};

template <class T>
struct Gradients {
  std::int64_t H;
  T *da, *dx;
  DropoutMask mask;
  template <int N>
  __device__ void store(std::int64_t row, std::int64_t c, Pack<T, N> d) const {
    const std::int64_t at = row * H + c;
    if (dx != nullptr) cuda::store(dx + at, d);
    apply(mask, at, d);
    cuda::store(da + at, d);
  }
};

}  // namespace residual_rows

template <class T>
void residual_layer_norm(Cuda, const ResidualLayerNorm<T>& f, const T* a, const T* x, T* y, T* normal,
                         T* rstd) {
  const bool fours = cuda::in_fours(f.H, a, x, f.weight, f.bias, y, normal);
  cuda::normalise_rows<T>("residual_layer_norm", f.tokens, f.H, f.eps, fours,
                          residual_rows::Input<T>{f.H, a, x, f.mask},
                          residual_rows::Output<T>{f.H, f.weight, f.bias, y, normal, rstd});
}

template <class T>
void residual_layer_norm_backward(Cuda, const ResidualLayerNorm<T>& f, const T* dy, const T* normal,
                                  const T* rstd, T* da, T* dx, T* dweight, T* dbias) {
  const bool fours = cuda::in_fours(f.H, dy, normal, f.weight, da, dx);
  cuda::normalise_rows_backward("residual_layer_norm", f.tokens, f.H, fours, f.weight,
                                residual_rows::Saved<T>{f.H, dy, normal, rstd},
                                residual_rows::Gradients<T>{f.H, da, dx, f.mask}, dweight, dbias);
}

#define RESIDUAL_LAYER_NORM(T)                                                                             \
  template void residual_layer_norm<T>(Cuda, const ResidualLayerNorm<T>&, const T*, const T*, T*, T*, T*); \
  template void residual_layer_norm_backward<T>(Cuda, const ResidualLayerNorm<T>&, const T*, const T*,     \
                                                const T*, T*, T*, T*, T*);
RESIDUAL_LAYER_NORM(float)
RESIDUAL_LAYER_NORM(double)

}  // namespace lrurec::ops::kernels
