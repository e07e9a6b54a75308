// Tiles of tokens go through both layers while they lie in cache; nothing of size [tokens, I] is ever stored.

#include <algorithm>
#include <vector>

#include "ops/feed_forward/kernels.h"
#include "ops/primitives/dropout_mask.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/scratch.h"

namespace lrurec::ops::cpu {
namespace {

constexpr std::int64_t tile_tokens = 64;

/// Phi(z), the standard normal distribution function.
template <class V, class T>
V normal_cdf(const V& z, T) {
  return V(T(0.5)) * (V(T(1)) + xsimd::erf(z * V(T(0.70710678118654752440))));
}

/// gelu(z) = z Phi(z)
template <class T>
void gelu(std::int64_t n, const T* z, T* out) {
  map(
      n, out, [](const auto& v) { return v * normal_cdf(v, T()); }, Strided<T>{z, 1});
}

/// For every element: z becomes gelu(z), slope gelu'(z) = Phi(z) + z phi(z).
template <class T>
void gelu_and_slope(std::int64_t n, T* z, T* slope) {
  map(
      n, slope,
      [](const auto& v) {
        using V = std::decay_t<decltype(v)>;
        constexpr T density = T(0.39894228040143267794);  // 1 / sqrt(2 pi)
        return normal_cdf(v, T()) + v * V(density) * xsimd::exp(v * v * V(T(-0.5)));
      },
      Strided<T>{z, 1});
  gelu(n, z, z);
}

/// z = W1 x + b1 for n tokens from `first`.
template <class T>
void first_layer(const FeedForward<T>& f, const FeedForwardTransposed<T>& transposed, std::int64_t first,
                 std::int64_t n, T* z) {
  tile_product(TileStart::bias, n, f.I, f.H, TileOperand<T>{f.x + first * f.H, f.H, 1}, transposed.W1.data(),
               f.I, z, f.I, f.b1);
}

}  // namespace

template <class T>
FeedForwardTransposed<T>::FeedForwardTransposed(const FeedForward<T>& f) : W1(f.H * f.I), W2(f.I * f.O) {
  tile_transpose(f.I, f.H, f.W1, f.H, W1.data(), f.I);
  tile_transpose(f.O, f.I, f.W2, f.I, W2.data(), f.O);
}

template <class T>
void feed_forward(const FeedForward<T>& f, const FeedForwardTransposed<T>& transposed, T* y) {
  const DropoutMask mask(f.random, f.p);
#pragma omp parallel if (f.tokens > tile_tokens)
  {
    const Scratch<T> a(tile_tokens * f.I);
#pragma omp for schedule(static)
    for (std::int64_t first = 0; first < f.tokens; first += tile_tokens) {
      const std::int64_t n = std::min(tile_tokens, f.tokens - first);
      first_layer(f, transposed, first, n, a.data());
      gelu(n * f.I, a.data(), a.data());
      mask.apply(first * f.I, n * f.I, a.data());
      tile_product(TileStart::bias, n, f.O, f.I, TileOperand<T>{a.data(), f.I, 1}, transposed.W2.data(), f.O,
                   y + first * f.O, f.O, f.b2);
    }
  }
}

namespace {

/// What a run of tokens adds to the gradients of the parameters.
template <class T>
struct Sums {
  Scratch<T> W1, b1, W2, b2;
  explicit Sums(const FeedForward<T>& f)
      : W1(f.I * f.H, T(0)), b1(f.I, T(0)), W2(f.O * f.I, T(0)), b2(f.O, T(0)) {}
};

}  // namespace

template <class T>
void feed_forward_backward(const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& gradients) {
  const FeedForwardTransposed<T> transposed(f);
  const DropoutMask mask(f.random, f.p);
  // As many runs for any number of threads: the same bits.
  const std::int64_t tiles = (f.tokens + tile_tokens - 1) / tile_tokens;
  const std::int64_t runs = std::min<std::int64_t>(std::max<std::int64_t>(tiles, 1), 32);
  std::vector<Sums<T>> sums;
  for (std::int64_t run = 0; run < runs; ++run) sums.emplace_back(f);
#pragma omp parallel for schedule(dynamic, 1) if (runs > 1)
  for (std::int64_t run = 0; run < runs; ++run) {
    Sums<T>& sum = sums[static_cast<std::size_t>(run)];
    const Scratch<T> a(tile_tokens * f.I), slope(a.size()), dz(a.size());
    for (std::int64_t tile = tiles * run / runs; tile < tiles * (run + 1) / runs; ++tile) {
      const std::int64_t first = tile * tile_tokens, n = std::min(tile_tokens, f.tokens - first);
      const T* g = dy + first * f.O;
      first_layer(f, transposed, first, n, a.data());
      gelu_and_slope(n * f.I, a.data(), slope.data());
      mask.apply(first * f.I, n * f.I, a.data(), slope.data());
      tile_product(TileStart::sum, f.O, f.I, n, TileOperand<T>{g, 1, f.O}, a.data(), f.I, sum.W2.data(), f.I);
      tile_add_columns(n, f.O, g, sum.b2.data());
      tile_product(TileStart::zero, n, f.I, f.O, TileOperand<T>{g, f.O, 1}, f.W2, f.I, dz.data(), f.I);
      for (std::int64_t i = 0; i < n * f.I; ++i) dz[i] *= slope[i];
      tile_product(TileStart::zero, n, f.H, f.I, TileOperand<T>{dz.data(), f.I, 1}, f.W1, f.H,
                   gradients.dx + first * f.H, f.H);
      tile_product(TileStart::sum, f.I, f.H, n, TileOperand<T>{dz.data(), 1, f.I}, f.x + first * f.H, f.H,
                   sum.W1.data(), f.H);
      tile_add_columns(n, f.I, dz.data(), sum.b1.data());
    }
  }
  const auto total = [&](Scratch<T> Sums<T>::*part, T* out) {
    const Scratch<T>& first = sums.front().*part;
    std::copy(first.begin(), first.end(), out);
    for (std::size_t run = 1; run < sums.size(); ++run) {
      const T* from = (sums[run].*part).data();
      for (std::int64_t i = 0; i < first.size(); ++i) out[i] += from[i];
    }
  };
  total(&Sums<T>::W1, gradients.dW1);
  total(&Sums<T>::b1, gradients.db1);
  total(&Sums<T>::W2, gradients.dW2);
  total(&Sums<T>::b2, gradients.db2);
}

#define FEED_FORWARD(T)                                                                      \
  template struct FeedForwardTransposed<T>;                                                  \
  template void feed_forward<T>(const FeedForward<T>&, const FeedForwardTransposed<T>&, T*); \
  template void feed_forward_backward<T>(const FeedForward<T>&, const T*, const FeedForwardGradients<T>&);
FEED_FORWARD(float)
FEED_FORWARD(double)

}  // namespace lrurec::ops::cpu
