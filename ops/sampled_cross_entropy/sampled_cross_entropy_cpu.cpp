#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "ops/primitives/gemm.h"
#include "ops/primitives/simd.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
T dot(std::int64_t n, const T* a, const T* b) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

template <class T>
void add_scaled(std::int64_t n, T factor, const T* x, T* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

/// Asks for a row of n numbers that will be needed soon: rows of a large table lie in memory, and no
/// processor guesses which are next.
template <class T>
void prefetch_row(std::int64_t n, const T* row) {
  constexpr std::int64_t line = 64 / sizeof(T);
  for (std::int64_t i = 0; i < n; i += line) __builtin_prefetch(row + i);
}
constexpr std::int64_t rows_ahead = 8;

template <class T>
T score(const SampledCrossEntropy<T>& f, const T* x, std::int64_t id) {
  return dot(f.H, x, f.weight + id * f.H) + f.bias[id];
}

/// The loss of one token from its scores; a negative left out has -infinity. The scores become their
/// gradients times `scale`.
template <class T>
struct OfToken {
  double loss;
  T label_gradient;
};
template <class T>
OfToken<T> softmax_token(T label_score, std::int64_t n, T* scores, T scale) {
  T top = label_score;
#pragma omp simd reduction(max : top)
  for (std::int64_t j = 0; j < n; ++j) top = std::max(top, scores[j]);
  map(
      n, scores, [top](const auto& s) { return xsimd::exp(s - std::decay_t<decltype(s)>(top)); },
      Strided<T>{scores, 1});
  T others = 0;
#pragma omp simd reduction(+ : others)
  for (std::int64_t j = 0; j < n; ++j) others += scores[j];
  const T own = std::exp(label_score - top), total = own + others;
  const T factor = scale / total;
#pragma omp simd
  for (std::int64_t j = 0; j < n; ++j) scores[j] *= factor;
  // p - 1 as minus the others' share: no digits are lost where p is near 1.
  return {static_cast<double>(top - label_score) + std::log(static_cast<double>(total)), -others * factor};
}

template <class T>
constexpr T left_out = -std::numeric_limits<T>::infinity();

/// With some negatives for each token. Returns the sum of the losses.
template <class T>
double with_own_negatives(const SampledCrossEntropy<T>& f) {
  const std::int64_t H = f.H, n = f.n;
  std::vector<double> losses(static_cast<std::size_t>(f.tokens));
  ParallelErrors errors;
#pragma omp parallel if (f.tokens * n * H > parallel_grain)
  {
    std::vector<T> buffer;
    errors.attempt([&] { buffer.resize(f.dnegatives == nullptr ? static_cast<std::size_t>(n) : 0); });
#pragma omp for schedule(static)
    for (std::int64_t t = 0; t < f.tokens; ++t) {
      errors.attempt([&] {
        const T* x = f.x + t * H;
        const std::int64_t* own = f.negatives + t * n;
        const std::int64_t label = f.labels[t];
        T* scores = f.dnegatives == nullptr ? buffer.data() : f.dnegatives + t * n;
        if (f.wants_gradients()) std::fill_n(f.dx + t * H, H, T(0));
        if (label < 0) {
          std::fill_n(scores, n, T(0));
          if (f.wants_gradients()) f.dlabel[t] = 0;
          return;
        }
        for (std::int64_t j = 0; j < n; ++j) {
          if (j + rows_ahead < n) {
            prefetch_row(H, f.weight + own[j + rows_ahead] * H);
            __builtin_prefetch(f.bias + own[j + rows_ahead]);
          }
          scores[j] = own[j] == label ? left_out<T> : score(f, x, own[j]) - f.log_count;
        }
        const auto result = softmax_token(score(f, x, label), n, scores, f.scale());
        losses[static_cast<std::size_t>(t)] = result.loss;
        if (!f.wants_gradients()) return;
        f.dlabel[t] = result.label_gradient;
        T* dx = f.dx + t * H;
        add_scaled(H, result.label_gradient, f.weight + label * H, dx);
        for (std::int64_t j = 0; j < n; ++j) add_scaled(H, scores[j], f.weight + own[j] * H, dx);
      });
    }
  }
  errors.rethrow();
  double total = 0;
  for (const double loss : losses) total += loss;
  return total;
}

/// The loss of tokens first .. first + count - 1 from scores [count, n] = x_t . shared_weight_j, which become
/// the gradients of the scores. dx gets the part of the label alone; a product adds that of the negatives.
template <class T>
double shared_softmax(const SampledCrossEntropy<T>& f, std::int64_t first, std::int64_t count, T* scores) {
  const std::int64_t H = f.H, n = f.n, *ids = f.negatives;
  double total = 0;
  for (std::int64_t t = first; t < first + count; ++t) {
    const T* x = f.x + t * H;
    T* row = scores + (t - first) * n;
    T* dx = f.wants_gradients() ? f.dx + t * H : nullptr;
    if (dx != nullptr) std::fill_n(dx, H, T(0));
    const std::int64_t label = f.labels[t];
    if (label < 0) {
      std::fill_n(row, n, T(0));
      if (dx != nullptr) f.dlabel[t] = 0;
      continue;
    }
    for (std::int64_t j = 0; j < n; ++j) {
      row[j] = ids[j] == label ? left_out<T> : row[j] + f.bias[ids[j]] - f.log_count;
    }
    const auto result = softmax_token(score(f, x, label), n, row, f.scale());
    total += result.loss;
    if (dx == nullptr) continue;
    f.dlabel[t] = result.label_gradient;
    add_scaled(H, result.label_gradient, f.weight + label * H, dx);
  }
  return total;
}

template <class T>
std::int64_t chunk_size(const SampledCrossEntropy<T>& f) {
  constexpr std::int64_t most_scores = std::int64_t{1} << 18, most_tokens = 512;
  if (f.chunk > 0) return f.chunk;
  return std::clamp<std::int64_t>(most_scores / std::max<std::int64_t>(f.n, 1), 1, most_tokens);
}

/// Sums over chunks of tokens are made in this many groups, whatever the number of threads.
constexpr std::int64_t groups = 16;

/// out[i] = from[i] + from[n + i] + ..., [groups, n]
template <class T>
void sum_groups(const Scratch<T>& from, std::int64_t n, T* out) {
  std::copy_n(from.data(), n, out);
  for (std::int64_t g = 1; g < groups; ++g) {
    for (std::int64_t i = 0; i < n; ++i) out[i] += from[g * n + i];
  }
}

/// With the same negatives for all tokens, by chunks of tokens. W are the rows of the negatives:
///   S = X W^T,  S -> G (softmax, loss, and the label's part of dX),  dX += G W,  dW += G^T X.
/// A chunk's products run on one thread each (OpenBLAS does so inside a parallel region).
template <class T>
double with_shared_negatives(const SampledCrossEntropy<T>& f) {
  const std::int64_t H = f.H, n = f.n, chunk = chunk_size(f), chunks = (f.tokens + chunk - 1) / chunk;
  const T* w = f.shared_weight;
  const bool wanted = f.wants_gradients();
  const Scratch<T> dweights(wanted ? groups * n * H : 0, T(0)), dbiases(wanted ? groups * n : 0, T(0));
  std::vector<double> losses(groups);
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t g = 0; g < groups; ++g) {
    errors.attempt([&] {
      std::vector<T> scores(static_cast<std::size_t>(std::min(chunk, f.tokens) * n));
      for (std::int64_t k = chunks * g / groups; k < chunks * (g + 1) / groups; ++k) {
        const std::int64_t start = k * chunk, count = std::min(chunk, f.tokens - start);
        const T* x = f.x + start * H;
        gemm(Cpu{}, Read::plain, Read::transpose, count, n, H, x, H, w, H, T(0), scores.data(), n);
        losses[static_cast<std::size_t>(g)] += shared_softmax(f, start, count, scores.data());
        if (!wanted) continue;
        const T* gradients = scores.data();
        gemm(Cpu{}, Read::plain, Read::plain, count, H, n, gradients, n, w, H, T(1), f.dx + start * H, H);
        gemm(Cpu{}, Read::transpose, Read::plain, n, H, count, gradients, n, x, H, T(1),
             dweights.data() + g * n * H, H);
        T* dbias = dbiases.data() + g * n;
        for (std::int64_t t = 0; t < count; ++t) {
          for (std::int64_t j = 0; j < n; ++j) dbias[j] += gradients[t * n + j];
        }
      }
    });
  }
  errors.rethrow();
  if (wanted) {
    sum_groups(dweights, n * H, f.dshared_weight);
    sum_groups(dbiases, n, f.dshared_bias);
  }
  double total = 0;
  for (const double loss : losses) total += loss;
  return total;
}

/// What scatter_add_scaled adds to a row: value * x[from], or value where there is no x.
template <class T>
struct Entry {
  std::int64_t row, from;
  T value;
};

/// The entries by ranges of 2^shift rows, in each range in their order.
template <class T>
class SortedEntries {
 public:
  SortedEntries(const Scatter<T>& e, int shift)
      : ranges_(((e.C - 1) >> shift) + 1), starts_(ranges_ * parts, 0), entries_(e.count) {
    // Each part of the entries counts how many it has of each range, and then knows where to write them.
    const auto of_part = [&](std::int64_t part, const auto& each) {
      for (std::int64_t k = e.count * part / parts; k < e.count * (part + 1) / parts; ++k) {
        if (e.ids[k] >= 0) each(k, starts_[(e.ids[k] >> shift) * parts + part]);
      }
    };
#pragma omp parallel for if (e.count > parallel_grain)
    for (std::int64_t part = 0; part < parts; ++part) {
      of_part(part, [](std::int64_t, std::int64_t& count) { ++count; });
    }
    std::exclusive_scan(starts_.begin(), starts_.end(), starts_.begin(), std::int64_t{0});
    const T scale = *e.scale;
#pragma omp parallel for if (e.count > parallel_grain)
    for (std::int64_t part = 0; part < parts; ++part) {
      of_part(part, [&](std::int64_t k, std::int64_t& place) {
        entries_[place++] = {e.ids[k], k / e.per_row, e.factor == nullptr ? scale : scale * e.factor[k]};
      });
    }
    // Each of starts_ has moved on to the end of its part.
  }

  std::int64_t ranges() const { return ranges_; }
  std::span<const Entry<T>> range(std::int64_t r) const {
    const std::int64_t first = r == 0 ? 0 : starts_[r * parts - 1], last = starts_[(r + 1) * parts - 1];
    return {entries_.data() + first, static_cast<std::size_t>(last - first)};
  }

 private:
  static constexpr std::int64_t parts = 16;
  std::int64_t ranges_;
  Scratch<std::int64_t> starts_;  ///< [ranges, parts], and ends once the entries are written
  Scratch<Entry<T>> entries_;
};

}  // namespace

template <class T>
void sampled_cross_entropy(Cpu, const SampledCrossEntropy<T>& f) {
  const double total = f.shared ? with_shared_negatives(f) : with_own_negatives(f);
  *f.loss = static_cast<T>(total / static_cast<double>(f.labelled));
}

// Each range of rows belongs to one thread, which adds its entries in order. It lies in the thread's cache
// meanwhile: with 2.1 million items, a step adds to most of them.
template <class T>
void scatter_add_scaled(Cpu, const Scatter<T>& e) {
  if (e.count == 0 || e.C == 0) return;
  constexpr std::int64_t cached = std::int64_t{1} << 20, least_ranges = 16;
  const std::int64_t row = std::max<std::int64_t>(e.weight.width, 1) * static_cast<std::int64_t>(sizeof(T)),
                     rows = std::clamp<std::int64_t>(e.C / least_ranges, 1,
                                                     std::max<std::int64_t>(cached / row, 1));
  const SortedEntries<T> sorted(e, std::bit_width(static_cast<std::uint64_t>(rows)) - 1);
#pragma omp parallel for schedule(dynamic) if (e.count * e.weight.width > parallel_grain)
  for (std::int64_t r = 0; r < sorted.ranges(); ++r) {
    const auto entries = sorted.range(r);
    for (const auto& [width, x, to] : {e.weight, e.bias}) {
      if (to == nullptr) continue;
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i + rows_ahead < entries.size()) {
          const Entry<T>& soon = entries[i + rows_ahead];
          prefetch_row(width, to + soon.row * width);
          if (x != nullptr) prefetch_row(width, x + soon.from * width);
        }
        const Entry<T>& entry = entries[i];
        T* y = to + entry.row * width;
        if (x == nullptr) {
          for (std::int64_t c = 0; c < width; ++c) y[c] += entry.value;
        } else {
          add_scaled(width, entry.value, x + entry.from * width, y);
        }
      }
    }
  }
}

#define SAMPLED(T)                                                            \
  template void sampled_cross_entropy<T>(Cpu, const SampledCrossEntropy<T>&); \
  template void scatter_add_scaled<T>(Cpu, const Scatter<T>&);
SAMPLED(float)
SAMPLED(double)

}  // namespace lrurec::ops::kernels
