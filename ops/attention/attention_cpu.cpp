// A thread takes a head of a sequence and computes its scores in tiles of some queries and some keys. The
// forward pass keeps the maximum and the sum of each row so far, and rescales the row's result when the
// maximum grows (the online softmax of Milakov and Gimelshein, 2018). So no whole row of weights is ever
// stored.

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attention/kernels.h"
#include "ops/primitives/formulas.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr std::int64_t tile_queries = 48, tile_keys = 64;

/// A head of a sequence.
template <class T>
struct Head {
  const Attention<T>& f;
  std::int64_t first, length, head;

  const T* q(std::int64_t t) const { return f.row(f.qkv, 0, first + t, head); }
  const T* k(std::int64_t t) const { return f.row(f.qkv, 1, first + t, head); }
  const T* v(std::int64_t t) const { return f.row(f.qkv, 2, first + t, head); }
  std::int64_t stride() const { return 3 * f.H(); }
  T scale() const { return 1 / std::sqrt(static_cast<T>(f.width)); }
  /// Keys that query t sees: 0 .. seen(t) - 1.
  std::int64_t seen(std::int64_t t) const { return f.causal ? t + 1 : length; }
  /// How many of keys j .. j + columns - 1 query t sees.
  std::int64_t seen_of(std::int64_t t, std::int64_t j, std::int64_t columns) const {
    return std::clamp<std::int64_t>(seen(t) - j, 0, columns);
  }
  /// to: [width, length], the transpose of the keys (part 1) or the values (2).
  void transpose(int part, T* to) const {
    tile_transpose(length, f.width, f.row(f.qkv, part, first, head), stride(), to, length);
  }
  void apply_mask(std::int64_t t, std::int64_t key, std::int64_t n, T* row) const {
    f.mask.apply(f.mask_row(first + t, head) + key, n, row);
  }
};

/// q_t . k_j of queries t .. t+rows-1 for keys j .. j+columns-1. s: rows of tile_keys; keys: [width, length].
template <class T>
void product_tile(const Head<T>& h, std::int64_t t, std::int64_t rows, std::int64_t j, std::int64_t columns,
                  const T* keys, T* s) {
  tile_product(TileStart::zero, rows, columns, h.f.width, TileOperand<T>{h.q(t), h.stride(), 1}, keys + j,
               h.length, s, tile_keys);
}

/// row[c] = exp(scale (row[c] - top)) for the keys that are seen, 0 for those after them. The difference
/// comes first: in scale row[c] - scale top, the rounding of a product would show where scores are large.
template <class T>
void exponentials(std::int64_t seen, std::int64_t columns, T scale, T top, T* row) {
  map(
      seen, row, [](auto x, auto s, auto m) { return formulas::exp((x - m) * s); }, Strided<T>{row, 1},
      Strided<T>{&scale, 0}, Strided<T>{&top, 0});
  std::fill(row + seen, row + columns, T(0));
}

/// Calls f for every head of every sequence, in parallel.
template <class T, class F>
void for_heads(const Attention<T>& f, F&& work) {
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) collapse(2) if (f.tokens > 64)
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    for (std::int64_t head = 0; head < f.heads; ++head) {
      errors.attempt([&] {
        const std::int64_t first = f.offsets[s], length = f.offsets[s + 1] - first;
        if (length > 0) work(Head<T>{f, first, length, head});
      });
    }
  }
  errors.rethrow();
}

}  // namespace

template <class T>
void attention_forward(Cpu, const Attention<T>& f, T* y, T* tops) {
  const std::int64_t d = f.width;
  for_heads(f, [&](const Head<T>& h) {
    Scratch<T> keys(d * h.length), scores(tile_queries * tile_keys), sums(tile_queries), top(tile_queries),
        out(tile_queries * d);
    h.transpose(1, keys.data());
    for (std::int64_t t = 0; t < h.length; t += tile_queries) {
      const std::int64_t rows = std::min(tile_queries, h.length - t), end = h.seen(t + rows - 1);
      std::fill(sums.begin(), sums.end(), T(0));
      std::fill(out.begin(), out.end(), T(0));
      std::fill(top.begin(), top.end(), -std::numeric_limits<T>::infinity());
      for (std::int64_t j = 0; j < end; j += tile_keys) {
        const std::int64_t columns = std::min(tile_keys, end - j);
        product_tile(h, t, rows, j, columns, keys.data(), scores.data());
        for (std::int64_t i = 0; i < rows; ++i) {
          T* row = scores.data() + i * tile_keys;
          const std::int64_t seen = h.seen_of(t + i, j, columns);
          const T before = top[i];
          top[i] = std::max(before, largest(seen, row));
          const T shrink = top[i] == before ? T(1) : std::exp((before - top[i]) * h.scale());  // 0 at first
          exponentials(seen, columns, h.scale(), top[i], row);
          sums[i] = sums[i] * shrink + sum(seen, row);
          for (std::int64_t c = 0; c < d; ++c) out[i * d + c] *= shrink;
          h.apply_mask(t + i, j, columns, row);
        }
        tile_product(TileStart::sum, rows, d, columns, TileOperand<T>{scores.data(), tile_keys, 1}, h.v(j),
                     h.stride(), out.data(), d);
      }
      for (std::int64_t i = 0; i < rows; ++i) {
        const std::int64_t token = h.first + t + i;
        T* to = y + token * f.H() + h.head * d;
        for (std::int64_t c = 0; c < d; ++c) to[c] = out[i * d + c] / sums[i];
        T* kept = tops + 2 * (token * f.heads + h.head);
        kept[0] = top[i], kept[1] = sums[i];
      }
    }
  });
}

template <class T>
void attention_backward(Cpu, const Attention<T>& f, const T* y, const T* tops, const T* dy, T* dqkv) {
  const std::int64_t d = f.width, H = f.H();
  for_heads(f, [&](const Head<T>& h) {
    const T scale = h.scale();
    Scratch<T> keys(d * h.length), values(keys.size()), w(tile_queries * tile_keys), dw(w.size()),
        along(tile_queries);
    h.transpose(1, keys.data());
    h.transpose(2, values.data());
    const auto gradient = [&](int part, std::int64_t t) { return f.row(dqkv, part, h.first + t, h.head); };
    for (std::int64_t t = 0; t < h.length; ++t) {
      for (int part = 0; part < 3; ++part) std::fill_n(gradient(part, t), d, T(0));
    }
    for (std::int64_t t = 0; t < h.length; t += tile_queries) {
      const std::int64_t rows = std::min(tile_queries, h.length - t), end = h.seen(t + rows - 1);
      const T* dy_tile = dy + (h.first + t) * H + h.head * d;
      for (std::int64_t i = 0; i < rows; ++i) {  // dy_t . y_t
        const T* y_row = y + (h.first + t + i) * H + h.head * d;
        along[i] = dot(d, dy_tile + i * H, y_row);
      }
      for (std::int64_t j = 0; j < end; j += tile_keys) {
        const std::int64_t columns = std::min(tile_keys, end - j);
        product_tile(h, t, rows, j, columns, keys.data(), w.data());
        tile_product(TileStart::zero, rows, columns, d, TileOperand<T>{dy_tile, H, 1}, values.data() + j,
                     h.length, dw.data(), tile_keys);
        for (std::int64_t i = 0; i < rows; ++i) {
          T *weight = w.data() + i * tile_keys, *change = dw.data() + i * tile_keys;
          const T* kept = tops + 2 * ((h.first + t + i) * f.heads + h.head);
          exponentials(h.seen_of(t + i, j, columns), columns, scale, kept[0], weight);
          h.apply_mask(t + i, j, columns, change);
          const T share = 1 / kept[1];
          for (std::int64_t c = 0; c < columns; ++c) {
            weight[c] *= share;
            change[c] = weight[c] * (change[c] - along[i]) * scale;
          }
          h.apply_mask(t + i, j, columns, weight);
        }
        tile_product(TileStart::sum, columns, d, rows, TileOperand<T>{w.data(), 1, tile_keys}, dy_tile, H,
                     gradient(2, j), h.stride());
        tile_product(TileStart::sum, rows, d, columns, TileOperand<T>{dw.data(), tile_keys, 1}, h.k(j),
                     h.stride(), gradient(0, t), h.stride());
        tile_product(TileStart::sum, columns, d, rows, TileOperand<T>{dw.data(), 1, tile_keys}, h.q(t),
                     h.stride(), gradient(1, j), h.stride());
      }
    }
  });
}

#define ATTENTION(T)                                                    \
  template void attention_forward<T>(Cpu, const Attention<T>&, T*, T*); \
  template void attention_backward<T>(Cpu, const Attention<T>&, const T*, const T*, const T*, T*);
ATTENTION(float)
ATTENTION(double)

}  // namespace lrurec::ops::kernels
