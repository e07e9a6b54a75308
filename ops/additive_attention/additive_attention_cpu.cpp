// A thread takes a sequence and goes through its tokens; each meets the tokens before it, whose scores are a
// row in cache.

#include <algorithm>
#include <cmath>
#include <limits>

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
    errors.attempt([&] { work(f.host_offsets[s], f.host_offsets[s + 1]); });
  }
  errors.rethrow();
}

/// s = sigmoid(q + k)
template <class T>
void gate(std::int64_t A, const T* q, const T* k, T* s) {
  map(
      A, s, [](auto x, auto y) { return formulas::sigmoid(x + y); }, Strided<T>{q, 1}, Strided<T>{k, 1});
}

template <class T>
T dot(std::int64_t n, const T* a, const T* b) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

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
    Scratch<T> scores(end - first), s(A);
    for (std::int64_t t = first; t < end; ++t) {
      const std::int64_t n = t - first + 1;
      T top = -std::numeric_limits<T>::infinity(), sum = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        gate(A, f.q + t * A, f.k + (first + j) * A, s.data());
        scores[j] = dot(A, f.v, s.data());
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
        gate(A, f.q + t * A, f.k + j * A, s.data());
        const T w = std::exp(dot(A, f.v, s.data()) - out.lse[t]);
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
