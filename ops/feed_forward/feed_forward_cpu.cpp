// Tiles of tokens go through both layers while they lie in cache. Of the arrays of size [tokens, I] only
// z = W1 x + b1 is kept, and only for a backward pass.

#include <algorithm>
#include <optional>
#include <vector>

#include "ops/feed_forward/kernels.h"
#include "ops/primitives/formulas.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

/// a = m gelu(z) for one row, whose first element is element `element` of the mask m; a may be z.
template <class T>
void activate(const DropoutMask& mask, std::int64_t element, std::int64_t n, const T* z, T* a) {
  mask.for_blocks<T>(element, n, [=](std::int64_t k, std::int64_t count, const T* factors) {
    map(
        count, a + k, [](const auto& v, const auto& m) { return formulas::gelu(v) * m; },
        Strided<T>{z + k, 1}, Strided<T>{factors, 1});
  });
}

/// The same, and da becomes dz = da m gelu'(z), which is added to db.
template <class T>
void activate_backward(const DropoutMask& mask, std::int64_t element, std::int64_t n, const T* z, T* a, T* da,
                       T* db) {
  constexpr auto width = static_cast<std::int64_t>(xsimd::batch<T>::size);
  mask.for_blocks<T>(element, n, [=](std::int64_t k, std::int64_t count, const T* factors) {
    for (std::int64_t i = 0; i < count; i += width) {
      const std::int64_t lanes = std::min(width, count - i);
      const auto load = [=](const T* from) { return load_lanes(Strided<T>{from, 1}, i, lanes); };
      const auto at = formulas::gelu_and_slope(load(z + k));
      const auto m = load(factors), dz = load(da + k) * (at.slope * m);
      store_lanes(at.gelu * m, a + k + i, lanes);
      store_lanes(dz, da + k + i, lanes);
      store_lanes(load(db + k) + dz, db + k + i, lanes);
    }
  });
}

/// W1^T [H, stride of I] and W2^T [I, O].
template <class T>
const T* packed_W1(const FeedForward<T>& f) {
  return f.packed;
}
template <class T>
const T* packed_W2(const FeedForward<T>& f) {
  return f.packed + f.weights.H * tile_stride<T>(f.weights.I);
}

/// z = W1 x + b1 for n tokens from `first`.
template <class T>
void first_layer(const FeedForward<T>& f, std::int64_t first, std::int64_t n, TileProduct<T>& multiply,
                 T* z) {
  const std::int64_t H = f.weights.H, I = f.weights.I, ld = tile_stride<T>(I);
  multiply(TileStart::bias, n, I, H, TileOperand<T>{f.x + first * H, H, 1}, packed_W1(f), ld, z, ld,
           f.weights.b1);
}

}  // namespace

std::int64_t packed_feed_forward_size(Cpu, std::int64_t H, std::int64_t I, std::int64_t O) {
  return std::max(tile_stride<float>(I), tile_stride<double>(I)) * H + I * O;
}

template <class T>
void pack_feed_forward(Cpu, const FeedForwardWeights<T>& w, T* packed) {
  tile_transpose(w.I, w.H, w.W1, w.H, packed, tile_stride<T>(w.I));
  tile_transpose(w.O, w.I, w.W2, w.I, packed + w.H * tile_stride<T>(w.I), w.O);
}

std::int64_t kept_feed_forward_size(Cpu, std::int64_t tokens, std::int64_t I, bool for_backward) {
  return for_backward ? tokens * std::max(tile_stride<float>(I), tile_stride<double>(I)) : 0;
}

template <class T>
void feed_forward(Cpu, const FeedForward<T>& f, bool for_backward, T* y) {
  const std::int64_t I = f.weights.I, O = f.weights.O, ld = tile_stride<T>(I);
  // With few tokens, such as one of each of a hundred sessions, smaller tiles keep two threads busy.
  const std::int64_t most = tile_tokens<T>(f.bf16), tile = f.tokens > 2 * most ? most : most / 2;
  ParallelErrors errors;
#pragma omp parallel if (f.tokens > tile)
  {
    std::optional<Scratch<T>> scratch;
    TileProduct<T> multiply(f.bf16);
    errors.attempt([&] { scratch.emplace(tile * ld); });
#pragma omp for schedule(static)
    for (std::int64_t first = 0; first < f.tokens; first += tile) {
      errors.attempt([&] {
        const Scratch<T>& a = *scratch;
        const std::int64_t n = std::min(tile, f.tokens - first);
        T* z = for_backward ? f.kept + first * ld : a.data();
        first_layer(f, first, n, multiply, z);
        for (std::int64_t r = 0; r < n; ++r) {
          activate(f.mask, (first + r) * I, I, z + r * ld, a.data() + r * ld);
        }
        multiply(TileStart::bias, n, O, I, TileOperand<T>{a.data(), ld, 1}, packed_W2(f), O, y + first * O, O,
                 f.weights.b2);
      });
    }
  }
  errors.rethrow();
}

namespace {

/// The part of a run of tokens in the gradients of the parameters.
template <class T>
struct Sums {
  Scratch<T> W1, b1, W2, b2;
  explicit Sums(const FeedForwardWeights<T>& w)
      : W1(w.I * w.H, T(0)), b1(w.I, T(0)), W2(w.O * w.I, T(0)), b2(w.O, T(0)) {}
};

}  // namespace

template <class T>
void feed_forward_backward(Cpu, const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& to) {
  const std::int64_t H = f.weights.H, I = f.weights.I, O = f.weights.O, ld = tile_stride<T>(I);
  const Scratch<T> W2(O * ld);
  for (std::int64_t o = 0; o < O; ++o) std::copy_n(f.weights.W2 + o * I, I, W2.data() + o * ld);
  // The number of runs does not depend on the number of threads, nor do the bits.
  const std::int64_t tile_size = tile_tokens<T>(f.bf16), tiles = (f.tokens + tile_size - 1) / tile_size;
  const std::int64_t runs = std::min<std::int64_t>(std::max<std::int64_t>(tiles, 1), 32);
  std::vector<Sums<T>> sums;
  for (std::int64_t run = 0; run < runs; ++run) sums.emplace_back(f.weights);
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (runs > 1)
  for (std::int64_t run = 0; run < runs; ++run) {
    errors.attempt([&] {
      Sums<T>& sum = sums[static_cast<std::size_t>(run)];
      const Scratch<T> a(tile_size * ld), dz(a.size());
      TileProduct<T> multiply(f.bf16);
      for (std::int64_t tile = tiles * run / runs; tile < tiles * (run + 1) / runs; ++tile) {
        const std::int64_t first = tile * tile_size, n = std::min(tile_size, f.tokens - first);
        const T* g = dy + first * O;
        multiply(TileStart::zero, n, I, O, TileOperand<T>{g, O, 1}, W2.data(), ld, dz.data(), ld);
        for (std::int64_t r = 0; r < n; ++r) {
          activate_backward(f.mask, (first + r) * I, I, f.kept + (first + r) * ld, a.data() + r * ld,
                            dz.data() + r * ld, sum.b1.data());
        }
        multiply(TileStart::sum, O, I, n, TileOperand<T>{g, 1, O}, a.data(), ld, sum.W2.data(), I);
        tile_add_columns(n, O, g, sum.b2.data());
        multiply(TileStart::zero, n, H, I, TileOperand<T>{dz.data(), ld, 1}, f.weights.W1, H,
                 to.dx + first * H, H);
        multiply(TileStart::sum, I, H, n, TileOperand<T>{dz.data(), 1, ld}, f.x + first * H, H, sum.W1.data(),
                 H);
      }
    });
  }
  errors.rethrow();
  const auto total = [&](Scratch<T> Sums<T>::*part, T* out) {
    const Scratch<T>& first = sums.front().*part;
    std::copy(first.begin(), first.end(), out);
    for (std::size_t run = 1; run < sums.size(); ++run) {
      const T* from = (sums[run].*part).data();
      for (std::int64_t i = 0; i < first.size(); ++i) out[i] += from[i];
    }
  };
  total(&Sums<T>::W1, to.dW1);
  total(&Sums<T>::b1, to.db1);
  total(&Sums<T>::W2, to.dW2);
  total(&Sums<T>::b2, to.db2);
}

#define FEED_FORWARD(T)                                                        \
  template void pack_feed_forward<T>(Cpu, const FeedForwardWeights<T>&, T*);   \
  template void feed_forward<T>(Cpu, const FeedForward<T>&, bool, T*);         \
  template void feed_forward_backward<T>(Cpu, const FeedForward<T>&, const T*, \
                                         const FeedForwardGradients<T>&);
FEED_FORWARD(float)
FEED_FORWARD(double)

}  // namespace lrurec::ops::kernels
