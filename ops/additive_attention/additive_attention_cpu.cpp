// A thread takes a sequence and goes through its tokens; each meets the tokens before it, whose scores are a
// row in cache.

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/additive_attention/kernels.h"
#include "ops/primitives/formulas.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

/// f(first token, end) of every sequence, in parallel.
template <class T, class F>
void for_sequences(const AdditiveAttention<T>& f, F&& work) {
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (f.tokens > 64)
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    errors.attempt([&] { work(f.offsets[s], f.offsets[s + 1]); });
  }
  errors.rethrow();
}

template <class T>
T dot(std::int64_t n, const T* a, const T* b) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// sigmoid(q_t + k_j) of the tokens of a sequence. 1 / (1 + e^-q e^-k) spares every pair its exponentials; it
/// is taken where no product of them can overflow, which sequences of a trained model are far from.
template <class T>
class Gates {
 public:
  Gates(const AdditiveAttention<T>& f, std::int64_t first, std::int64_t end)
      : f_(f), first_(first), q_((end - first) * f.A), k_(q_.size()) {
    constexpr T most = std::is_same_v<T, float> ? T(40) : T(350);
    const auto within = [&](const T* x) {
      return std::all_of(x + first * f.A, x + end * f.A, [](T v) { return std::abs(v) <= most; });
    };
    by_product_ = within(f.q) && within(f.k);
    const auto power = [](auto x) { return formulas::exp(-x); };
    map(q_.size(), q_.data(), power, Strided<T>{f.q + first * f.A, 1});
    map(k_.size(), k_.data(), power, Strided<T>{f.k + first * f.A, 1});
  }

  /// s = sigmoid(q_t + k_j), and v . s
  T score(std::int64_t t, std::int64_t j, T* s) const {
    const std::int64_t A = f_.A;
    const T *q = q_.data() + (t - first_) * A, *k = k_.data() + (j - first_) * A;
    if (!by_product_) {
      map(
          A, s, [](auto x, auto y) { return formulas::sigmoid(x + y); }, Strided<T>{f_.q + t * A, 1},
          Strided<T>{f_.k + j * A, 1});
      return dot(A, f_.v, s);
    }
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t a = 0; a < A; ++a) {
      s[a] = 1 / (1 + q[a] * k[a]);
      sum += f_.v[a] * s[a];
    }
    return sum;
  }

 private:
  const AdditiveAttention<T>& f_;
  std::int64_t first_;
  Scratch<T> q_, k_;
  bool by_product_ = true;
};

/// total += factor row
template <class T>
void add(std::int64_t n, T factor, const T* row, T* total) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) total[i] += factor * row[i];
}

}  // namespace

template <class T>
void additive_attention_forward(Cpu, const AdditiveAttention<T>& f, T* c, T* lse) {
  const std::int64_t A = f.A, D = f.D;
  for_sequences(f, [&](std::int64_t first, std::int64_t end) {
    const Gates<T> gates(f, first, end);
    Scratch<T> scores(end - first), s(A);
    for (std::int64_t t = first; t < end; ++t) {
      const std::int64_t n = t - first + 1;
      T top = -std::numeric_limits<T>::infinity(), sum = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        scores[j] = gates.score(t, first + j, s.data());
        top = std::max(top, scores[j]);
      }
      T* out = c + t * D;
      std::fill_n(out, D, T(0));
      for (std::int64_t j = 0; j < n; ++j) {
        const T w = std::exp(scores[j] - top);
        sum += w;
        add(D, w, f.h + (first + j) * D, out);
      }
      for (std::int64_t i = 0; i < D; ++i) out[i] /= sum;
      lse[t] = top + std::log(sum);
    }
  });
}

template <class T>
void additive_attention_backward(Cpu, const AdditiveAttention<T>& f,
                                 const AdditiveAttentionGradients<T>& out) {
  const std::int64_t A = f.A, D = f.D;
  for_sequences(f, [&](std::int64_t first, std::int64_t end) {
    const Gates<T> gates(f, first, end);
    Scratch<T> s(A);
    std::fill(out.dk + first * A, out.dk + end * A, T(0));
    std::fill(out.dh + first * D, out.dh + end * D, T(0));
    for (std::int64_t t = first; t < end; ++t) {
      T *dq = out.dq + t * A, *dv = out.dv_rows + t * A;
      std::fill_n(dq, A, T(0));
      std::fill_n(dv, A, T(0));
      const T* dc = out.dc + t * D;
      const T along = dot(D, dc, out.c + t * D);
      for (std::int64_t j = first; j <= t; ++j) {
        const T w = std::exp(gates.score(t, j, s.data()) - out.lse[t]);
        add(D, w, dc, out.dh + j * D);
        const T de = w * (dot(D, dc, f.h + j * D) - along);
        T* dk = out.dk + j * A;
#pragma omp simd
        for (std::int64_t a = 0; a < A; ++a) {
          const T d = de * f.v[a] * s[a] * (1 - s[a]);
          dq[a] += d;
          dk[a] += d;
          dv[a] += de * s[a];
        }
      }
    }
  });
}

#define ADDITIVE_ATTENTION(T)                                                            \
  template void additive_attention_forward<T>(Cpu, const AdditiveAttention<T>&, T*, T*); \
  template void additive_attention_backward<T>(Cpu, const AdditiveAttention<T>&,         \
                                               const AdditiveAttentionGradients<T>&);
ADDITIVE_ATTENTION(float)
ADDITIVE_ATTENTION(double)

}  // namespace lrurec::ops::kernels
