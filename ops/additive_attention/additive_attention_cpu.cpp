// A thread takes a sequence and goes through its queries in blocks. A block's scores are whole rows, [block,
// n], so that the sums over h are products of tiles. The gates of all pairs cannot be products. They run over
// vectors that stay in registers: vectors of keys for the scores, of columns a in the backward.

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/additive_attention/kernels.h"
#include "ops/primitives/formulas.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr std::int64_t block = 16, together = 4;  ///< queries; queries that share the loads of keys

template <class T>
constexpr auto width = static_cast<std::int64_t>(xsimd::batch<T>::size);

constexpr std::int64_t up_to_multiple(std::int64_t n, std::int64_t of) { return (n + of - 1) / of * of; }

/// sigmoid(q + k) of vectors of q and k.
struct Sigmoid {
  template <class Batch>
  Batch operator()(const Batch& q, const Batch& k) const {
    return formulas::sigmoid(q + k);
  }
};
/// The same from e^-q and e^-k, without an exponential for each pair.
struct SigmoidOfPowers {
  template <class Batch>
  Batch operator()(const Batch& q, const Batch& k) const {
    return Batch(1) / (Batch(1) + q * k);
  }
};

/// A sequence of n tokens. Its q and k, or their powers, lie in panels [A / W, rows, W] of vectors, and the
/// keys transposed as well; rows and columns are padded with zeros.
template <class T>
class Sequence {
 public:
  using Batch = xsimd::batch<T>;
  static constexpr auto W = width<T>;

  Sequence(const AdditiveAttention<T>& f, std::int64_t first, std::int64_t end)
      : f_(f),
        first_(first),
        n_(end - first),
        rows_(up_to_multiple(n_, std::max(W, together))),
        columns_(up_to_multiple(f.A, W)),
        q_(rows_ * columns_),
        k_(q_.size()),
        transposed_(q_.size()),
        v_(columns_, T(0)) {
    // Within this no product of two powers overflows; a trained model stays far below.
    constexpr T most = std::is_same_v<T, float> ? T(40) : T(350);
    const auto within = [&](const T* x) {
      return std::all_of(x + first * f.A, x + end * f.A, [](T v) { return std::abs(v) <= most; });
    };
    powers_ = within(f.q) && within(f.k);
    std::copy_n(f.v, f.A, v_.data());
    Scratch<T> padded(q_.size());
    fill_panels(f.q, padded, q_);
    fill_panels(f.k, padded, k_);
    tile_transpose(rows_, columns_, padded.data(), columns_, transposed_.data(), rows_);
  }

  std::int64_t n() const { return n_; }
  std::int64_t rows() const { return rows_; }

  /// e[t - from, j] = v . sigmoid(q_t + k_j) for the block of queries that begins at `from`, and for all j
  /// that one of them sees (and some more). e: [block, rows].
  void scores(std::int64_t from, T* e) const {
    if (powers_) return scores(from, e, SigmoidOfPowers{});
    scores(from, e, Sigmoid{});
  }

  /// From de [block, rows] of the block's queries: writes dq and dv_rows, and adds to dk (panels, not yet
  /// times v).
  void gate_gradients(std::int64_t from, const T* de, const AdditiveAttentionGradients<T>& out, T* dk) const {
    if (powers_) return gate_gradients(from, de, out, dk, SigmoidOfPowers{});
    gate_gradients(from, de, out, dk, Sigmoid{});
  }

  /// dk = v panels, as rows of [tokens, A].
  void store_dk(const T* panels, T* dk) const {
    for (std::int64_t t = 0; t < n_; ++t) {
      for (std::int64_t a = 0; a < f_.A; ++a) {
        dk[(first_ + t) * f_.A + a] = v_[a] * panels[(a / W * rows_ + t) * W + a % W];
      }
    }
  }
  std::int64_t panel_size() const { return q_.size(); }

 private:
  void fill_panels(const T* from, Scratch<T>& padded, Scratch<T>& panels) const {
    std::fill(padded.begin(), padded.end(), T(0));
    for (std::int64_t t = 0; t < n_; ++t) {
      T* row = padded.data() + t * columns_;
      const Strided<T> values{from + (first_ + t) * f_.A, 1};
      if (powers_) {
        map(
            f_.A, row, [](auto x) { return formulas::exp(-x); }, values);
      } else {
        std::copy_n(values.data, f_.A, row);
      }
      for (std::int64_t a = 0; a < columns_; a += W) {
        std::copy_n(row + a, W, panels.data() + (a / W * rows_ + t) * W);
      }
    }
    for (std::int64_t t = n_; t < rows_; ++t) {
      for (std::int64_t a = 0; a < columns_; a += W) {
        std::fill_n(panels.data() + (a / W * rows_ + t) * W, W, T(0));
      }
    }
  }

  template <class Gate>
  void scores(std::int64_t from, T* e, Gate gate) const {
    const std::int64_t end = std::min(from + block, n_);
    for (std::int64_t t = from; t < end; t += together) {
      for (std::int64_t j = 0; j < std::min(t + together, n_); j += W) {
        Batch sum[together] = {Batch(T(0)), Batch(T(0)), Batch(T(0)), Batch(T(0))};
        for (std::int64_t a = 0; a < f_.A; ++a) {
          const Batch k = Batch::load_unaligned(transposed_.data() + a * rows_ + j), v(v_[a]);
          const T* q = q_.data() + (a / W * rows_ + t) * W + a % W;
#pragma GCC unroll 4
          for (std::int64_t i = 0; i < together; ++i) {
            sum[i] = xsimd::fma(v, gate(Batch(q[i * W]), k), sum[i]);
          }
        }
        for (std::int64_t i = 0; i < together; ++i) sum[i].store_unaligned(e + (t - from + i) * rows_ + j);
      }
    }
  }

  template <class Gate>
  void gate_gradients(std::int64_t from, const T* de, const AdditiveAttentionGradients<T>& out, T* dk,
                      Gate gate) const {
    for (std::int64_t a = 0; a < f_.A; a += W) {
      const std::int64_t panel = a / W * rows_ * W, wide = std::min(W, f_.A - a);
      for (std::int64_t t = from; t < std::min(from + block, n_); ++t) {
        const Batch q = Batch::load_unaligned(q_.data() + panel + t * W);
        Batch dq(T(0)), dv(T(0));
        for (std::int64_t j = 0; j <= t; ++j) {
          const Batch s = gate(q, Batch::load_unaligned(k_.data() + panel + j * W));
          const Batch of_v = Batch(de[(t - from) * rows_ + j]) * s, of_sum = xsimd::fnma(of_v, s, of_v);
          dv += of_v;
          dq += of_sum;
          T* to = dk + panel + j * W;
          (Batch::load_unaligned(to) + of_sum).store_unaligned(to);
        }
        T lanes[2][static_cast<std::size_t>(W)];
        (dq * Batch::load_unaligned(v_.data() + a)).store_unaligned(lanes[0]);
        dv.store_unaligned(lanes[1]);
        std::copy_n(lanes[0], wide, out.dq + (first_ + t) * f_.A + a);
        std::copy_n(lanes[1], wide, out.dv_rows + (first_ + t) * f_.A + a);
      }
    }
  }

  const AdditiveAttention<T>& f_;
  std::int64_t first_, n_, rows_, columns_;
  Scratch<T> q_, k_, transposed_, v_;
  bool powers_;
};

/// row[j] = exp(row[j] - shift) for j < n, and 0 up to `end`.
template <class T>
void weights(std::int64_t n, std::int64_t end, T shift, T* row) {
  map(
      n, row, [](auto x, auto m) { return formulas::exp(x - m); }, Strided<T>{row, 1}, Strided<T>{&shift, 0});
  std::fill(row + n, row + end, T(0));
}

/// Calls f(first token, end) for every sequence that has tokens, in parallel.
template <class T, class F>
void for_sequences(const AdditiveAttention<T>& f, F&& work) {
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (f.tokens > 64)
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    errors.attempt([&] {
      if (f.offsets[s + 1] > f.offsets[s]) work(f.offsets[s], f.offsets[s + 1]);
    });
  }
  errors.rethrow();
}

}  // namespace

template <class T>
void additive_attention_forward(Cpu, const AdditiveAttention<T>& f, T* c, T* lse) {
  const std::int64_t D = f.D;
  for_sequences(f, [&](std::int64_t first, std::int64_t end) {
    const Sequence<T> x(f, first, end);
    const Scratch<T> e(block * x.rows());
    for (std::int64_t from = 0; from < x.n(); from += block) {
      const std::int64_t seen = std::min(from + block, x.n()), queries = seen - from;
      x.scores(from, e.data());
      T sums[block];
      for (std::int64_t i = 0; i < queries; ++i) {
        T* row = e.data() + i * x.rows();
        const std::int64_t n = from + i + 1;
        const T top = largest(n, row);
        weights(n, seen, top, row);
        sums[i] = sum(n, row);
        lse[first + from + i] = top + std::log(sums[i]);
      }
      T* out = c + (first + from) * D;
      tile_product(TileStart::zero, queries, D, seen, TileOperand<T>{e.data(), x.rows(), 1}, f.h + first * D,
                   D, out, D);
      for (std::int64_t i = 0; i < queries; ++i) {
        for (std::int64_t d = 0; d < D; ++d) out[i * D + d] /= sums[i];
      }
    }
  });
}

template <class T>
void additive_attention_backward(Cpu, const AdditiveAttention<T>& f,
                                 const AdditiveAttentionGradients<T>& out) {
  const std::int64_t D = f.D;
  for_sequences(f, [&](std::int64_t first, std::int64_t end) {
    const Sequence<T> x(f, first, end);
    const std::int64_t stride = x.rows();
    const Scratch<T> w(block * stride), de(w.size()), dk(x.panel_size(), T(0)), h(D * stride);
    tile_transpose(x.n(), D, f.h + first * D, D, h.data(), stride);
    std::fill(out.dh + first * D, out.dh + end * D, T(0));
    for (std::int64_t from = 0; from < x.n(); from += block) {
      const std::int64_t seen = std::min(from + block, x.n()), queries = seen - from;
      const T* dc = out.dc + (first + from) * D;
      x.scores(from, w.data());
      for (std::int64_t i = 0; i < queries; ++i) {
        weights(from + i + 1, seen, out.lse[first + from + i], w.data() + i * stride);
      }
      tile_product(TileStart::sum, seen, D, queries, TileOperand<T>{w.data(), 1, stride}, dc, D,
                   out.dh + first * D, D);
      tile_product(TileStart::zero, queries, seen, D, TileOperand<T>{dc, D, 1}, h.data(), stride, de.data(),
                   stride);
      for (std::int64_t i = 0; i < queries; ++i) {
        const std::int64_t n = from + i + 1;
        T *row = de.data() + i * stride, *weight = w.data() + i * stride;
        // dc . c from the weights; with the rounded c, the gradients of a row would not sum to 0.
        const T along = dot(n, weight, row) / sum(n, weight);
        for (std::int64_t j = 0; j < n; ++j) row[j] = weight[j] * (row[j] - along);
      }
      x.gate_gradients(from, de.data(), out, dk.data());
    }
    x.store_dk(dk.data(), out.dk);
  });
}

#define ADDITIVE_ATTENTION(T)                                                            \
  template void additive_attention_forward<T>(Cpu, const AdditiveAttention<T>&, T*, T*); \
  template void additive_attention_backward<T>(Cpu, const AdditiveAttention<T>&,         \
                                               const AdditiveAttentionGradients<T>&);
ADDITIVE_ATTENTION(float)
ADDITIVE_ATTENTION(double)

}  // namespace lrurec::ops::kernels
