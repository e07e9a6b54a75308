// Linear layer, softmax and loss by tiles of 126 or 128 classes x 64 tokens that do not leave the cache:
//
//   pass 1, tile by tile:  S = E X^T + b;  m, z = maxima of the columns of S and sums of exp(S - m)
//   then                   L = log of the sum of all exp(S): from the tiles' m and z
//   pass 2, tile by tile:  P = exp(S - L) scale, minus scale at the label
//                          dE += P X,  db += sum P,  dX^T += E^T P
//
// Few classes: a thread takes one chunk of tokens after the other, and all its tiles, as exp(S - m), stay in
// the cache from one pass to the next. Many classes: threads share the tiles of many chunks. The tiles stay
// in memory, or are computed again where they would take too much of it.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "ops/linear_cross_entropy/head_products.h"
#include "ops/linear_cross_entropy/kernels.h"
#include "ops/primitives/f32_functions.h"
#include "ops/primitives/simd.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

/// Gradients are summed in this many parts. The bits then do not depend on the number of threads.
constexpr std::int64_t parts = 16;

/// Bytes of tiles that stay in memory between the passes. With fewer chunks at once the weights are read more
/// often; more would not stay in the last cache at all. On Beauty 32 to 64 MB were equally fast.
constexpr std::int64_t most_in_memory = std::int64_t{48} << 20;

template <class T>
constexpr auto width = static_cast<std::int64_t>(xsimd::batch<T>::size);

/// e^x for x < 88 or NaN.
template <class T>
LRUREC_INLINE xsimd::batch<T> exp_of(const xsimd::batch<T>& x) {
  if constexpr (sizeof(T) == 4) {
    return fast_exp(x);
  } else {
    return xsimd::exp(x);
  }
}

/// to = from, past the caches. In a cache, data that is needed much later would drive out data that is needed
/// now, and the cache would first read what is overwritten. n: whole vectors; `to` is aligned to a vector.
template <class T>
void stream(std::int64_t n, const T* from, T* to) {
#if defined(__AVX512F__)
  for (std::int64_t i = 0; i < n; i += width<T>)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_loadu_si512(from + i));
#elif defined(__AVX2__)
  for (std::int64_t i = 0; i < n; i += width<T>) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)));
  }
#else
  std::copy_n(from, n, to);
#endif
#if defined(__AVX2__)
  _mm_sfence();  // before another thread reads it
#endif
}

template <class T>
constexpr std::int64_t whole_vectors(std::int64_t n) {
  return (n + width<T> - 1) / width<T> * width<T>;
}

/// Some tokens and what pass 1 finds out about them. Tokens lie side by side in vectors. `ld` is their number
/// rounded up to whole vectors; what comes of the columns beyond the tokens is never read.
template <class Products>
struct Chunk {
  using T = typename Products::Element;
  std::int64_t start = 0, tokens = 0, ld;
  typename Products::Tokens x;
  Scratch<T> tile_max, tile_sum;  ///< [tiles, ld]: m and z
  /// [ld] each: L = top + log_sum, kept apart since large scores would swallow the second; S at the label;
  /// the scale, 0 where there is no label
  Scratch<T> top, log_sum, label_logit, scale;

  Chunk(std::int64_t most_tokens, std::int64_t tiles, std::int64_t H)
      : ld(whole_vectors<T>(most_tokens)),
        x(ld, H),
        tile_max(tiles * ld),
        tile_sum(tiles * ld),
        top(ld, T(0)),
        log_sum(ld, T(0)),
        label_logit(ld, T(0)),
        scale(ld, T(0)) {}
};

template <class Products>
class Head {
 public:
  using T = typename Products::Element;
  explicit Head(const LinearCrossEntropy<T>& f)
      : f_(f),
        products_(f.weight, f.classes, f.H),
        scale_(f.scale()),
        tile_classes_(Products::tile_classes()),
        tiles_((f.classes + tile_classes_ - 1) / tile_classes_),
        chunk_tokens_(f.chunk > 0 ? f.chunk : 64),
        chunks_((f.tokens + chunk_tokens_ - 1) / chunk_tokens_) {}

  /// The sum of the losses of all tokens; gradients on the way.
  double run() {
    constexpr std::int64_t most_kept = std::int64_t{2} << 20;  // about the size of a core's L2 cache
    const std::int64_t kept = tiles_ * tile_classes_ * chunk_tokens_ * static_cast<std::int64_t>(sizeof(T));
    return kept <= most_kept ? run_by_tokens() : run_by_classes();
  }

 private:
  using Batch = xsimd::batch<T>;

  std::int64_t columns(std::int64_t tile) const {
    return std::min(tile_classes_, f_.classes - tile * tile_classes_);
  }
  std::int64_t label(const Chunk<Products>& chunk, std::int64_t t) const {
    return f_.labels[chunk.start + t];
  }

  /// For few classes. Threads take parts of the tokens; each part sums its own gradients of weight and bias.
  double run_by_tokens() {
    const std::int64_t C = f_.classes, H = f_.H;
    const Scratch<T> dweight(f_.wants_gradients() ? parts * C * H : 0),
        dbias(f_.wants_gradients() ? parts * C : 0);
    std::array<double, parts> loss{};
    ParallelErrors errors;
#pragma omp parallel
    {
      std::optional<Chunk<Products>> own_chunk;
      std::optional<Scratch<T>> tiles, dx;  // dx: dX^T of the chunk
      std::optional<typename Products::Gradient> gradient;
      errors.attempt([&] {
        own_chunk.emplace(chunk_tokens_, tiles_, H);
        tiles.emplace((tiles_ * tile_classes_ + 1) * own_chunk->ld);  // and the factors of one
        gradient.emplace(own_chunk->ld);
        dx.emplace(H * own_chunk->ld);
      });
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t part = 0; part < parts; ++part) {
        errors.attempt([&] {
          Chunk<Products>& chunk = *own_chunk;
          const auto tile = [&](std::int64_t j) { return tiles->data() + j * tile_classes_ * chunk.ld; };
          if (f_.wants_gradients()) {
            std::fill_n(dweight.data() + part * C * H, C * H, T(0));
            std::fill_n(dbias.data() + part * C, C, T(0));
          }
          for (std::int64_t c = chunks_ * part / parts; c < chunks_ * (part + 1) / parts; ++c) {
            enter(chunk, c);
            for (std::int64_t j = 0; j < tiles_; ++j) {
              scores(chunk, j, tile(j));
              measure<true>(chunk, j, tile(j));
            }
            loss[static_cast<std::size_t>(part)] += combine(chunk);
            if (!f_.wants_gradients()) continue;
            std::fill(dx->begin(), dx->end(), T(0));
            for (std::int64_t j = 0; j < tiles_; ++j) {
              to_gradient<true>(chunk, j, tile(j), tile(j), tile(tiles_), dbias.data() + part * C);
              add_products(chunk, j, tile(j), *gradient, dx->data(), dweight.data() + part * C * H, nullptr);
            }
            tile_transpose(H, chunk.tokens, dx->data(), chunk.ld, f_.dx + chunk.start * H, H);
          }
        });
      }
    }
    errors.rethrow();
    if (f_.wants_gradients()) {
      sum_parts(dweight, C * H, f_.dweight);
      sum_parts(dbias, C, f_.dbias);
    }
    double total = 0;
    for (const double part : loss) total += part;
    return total;
  }

  /// For many classes: all threads together, some chunks at a time.
  double run_by_classes() {
    const std::int64_t H = f_.H, tile_size = tile_classes_ * whole_vectors<T>(chunk_tokens_);
    const std::int64_t fitting =
        most_in_memory / (tiles_ * tile_size * static_cast<std::int64_t>(sizeof(T)));  // chunks
    const bool keeps = f_.wants_gradients() && fitting >= 2;
    const std::int64_t most = keeps ? fitting : std::max<std::int64_t>(768 / chunk_tokens_, 1);
    const std::int64_t groups = std::max<std::int64_t>((chunks_ + most - 1) / most, 1);
    const std::int64_t together = (chunks_ + groups - 1) / groups;
    std::vector<Chunk<Products>> chunks;
    for (std::int64_t c = 0; c < together; ++c) chunks.emplace_back(chunk_tokens_, tiles_, H);
    const Scratch<T> dx(f_.wants_gradients() ? parts * together * H * whole_vectors<T>(chunk_tokens_) : 0);
    // The size is the same for any number of tokens, so that the next batch gets this memory again.
    const Scratch<T> kept(keeps ? fitting * tiles_ * tile_size : 0);
    if (f_.wants_gradients()) {
      std::fill_n(f_.dweight, f_.classes * H, T(0));
      std::fill_n(f_.dbias, f_.classes, T(0));
    }
    double total = 0;
    for (std::int64_t first = 0; first < chunks_; first += together) {
      const Group group{chunks, first, std::min(together, chunks_ - first), tile_size,
                        keeps ? kept.data() : nullptr};
      for (const double loss : first_pass(group)) total += loss;
      if (f_.wants_gradients()) second_pass(group, dx);
    }
    return total;
  }

  /// Chunks that go through each pass together.
  struct Group {
    std::vector<Chunk<Products>>& chunks;
    std::int64_t first, count;  ///< of all chunks
    std::int64_t tile_size;
    T* kept;  ///< where tiles stay from one pass to the next; null: they are computed again

    Chunk<Products>& chunk(std::int64_t c) const { return chunks[static_cast<std::size_t>(c)]; }
    /// Tiles of the same classes lie side by side, so that both passes go through memory once, from front to
    /// back.
    T* tile(std::int64_t j, std::int64_t c) const { return kept + (j * count + c) * tile_size; }
  };

  /// The sum of the losses of each chunk. Threads take tiles.
  std::vector<double> first_pass(const Group& group) const {
    std::vector<double> loss(static_cast<std::size_t>(group.count));
    ParallelErrors errors;
#pragma omp parallel
    {
      std::optional<Scratch<T>> scratch;
      errors.attempt([&] { scratch.emplace(group.tile_size); });
#pragma omp for schedule(static)
      for (std::int64_t c = 0; c < group.count; ++c) enter(group.chunk(c), group.first + c);
#pragma omp for schedule(dynamic, 4)
      for (std::int64_t j = 0; j < tiles_; ++j) {
        errors.attempt([&] {
          T* s = scratch->data();
          for (std::int64_t c = 0; c < group.count; ++c) {
            Chunk<Products>& chunk = group.chunk(c);
            scores(chunk, j, s);
            if (group.kept != nullptr) {
              measure<true>(chunk, j, s);
              stream(columns(j) * chunk.ld, s, group.tile(j, c));
            } else {
              measure<false>(chunk, j, s);
            }
          }
        });
      }
#pragma omp for schedule(static)
      for (std::int64_t c = 0; c < group.count; ++c)
        loss[static_cast<std::size_t>(c)] = combine(group.chunk(c));
    }
    errors.rethrow();
    return loss;
  }

  /// Threads take parts of the tiles; each part sums its own dX^T in dx, [parts, chunks, H, ld].
  void second_pass(const Group& group, const Scratch<T>& dx) const {
    const std::int64_t H = f_.H, dx_size = H * group.chunk(0).ld, n = group.count * dx_size;
    ParallelErrors errors;
#pragma omp parallel
    {
      std::optional<Scratch<T>> scratch;
      std::optional<typename Products::Gradient> gradient;
      errors.attempt([&] {
        scratch.emplace(group.tile_size + group.chunk(0).ld);  // a tile, and factors
        gradient.emplace(group.chunk(0).ld);
      });
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t part = 0; part < parts; ++part) {
        errors.attempt([&] {
          T *sum = dx.data() + part * n, *s = scratch->data(), *factor = s + group.tile_size;
          std::fill_n(sum, n, T(0));
          for (std::int64_t j = tiles_ * part / parts; j < tiles_ * (part + 1) / parts; ++j) {
            for (std::int64_t c = 0; c < group.count; ++c) {
              const Chunk<Products>& chunk = group.chunk(c);
              const T* next = nullptr;
              if (group.kept != nullptr) {
                const T* tile = group.tile(j, c);
                to_gradient<true>(chunk, j, tile, s, factor, f_.dbias);
                const bool last = j + 1 == tiles_ && c + 1 == group.count;
                if (!last) next = tile + group.tile_size;
              } else {
                scores(chunk, j, s);
                to_gradient<false>(chunk, j, s, s, factor, f_.dbias);
              }
              add_products(chunk, j, s, *gradient, sum + c * dx_size, f_.dweight, next);
            }
          }
        });
      }
    }
    errors.rethrow();
    sum_parts(dx, n, dx.data());
    for (std::int64_t c = 0; c < group.count; ++c) {
      const Chunk<Products>& chunk = group.chunk(c);
      tile_transpose(H, chunk.tokens, dx.data() + c * dx_size, chunk.ld, f_.dx + chunk.start * H, H);
    }
  }

  void enter(Chunk<Products>& chunk, std::int64_t number) const {
    chunk.start = number * chunk_tokens_;
    chunk.tokens = std::min(chunk_tokens_, f_.tokens - chunk.start);
    chunk.x.enter(chunk.tokens, chunk.ld, f_.H, f_.x + chunk.start * f_.H);
    for (std::int64_t t = 0; t < chunk.ld; ++t) {  // columns beyond the tokens weigh nothing
      chunk.scale[t] = t < chunk.tokens && label(chunk, t) >= 0 ? scale_ : T(0);
    }
  }

  /// s = E X^T for the classes of tile j, without the bias.
  void scores(const Chunk<Products>& chunk, std::int64_t j, T* s) const {
    products_.scores(j * tile_classes_, columns(j), chunk.x, chunk.ld, s);
  }

  /// m and z of tile j, and the labels' scores; with `keep` s becomes exp(S - m).
  template <bool keep>
  void measure(Chunk<Products>& chunk, std::int64_t j, T* s) const {
    const std::int64_t first = j * tile_classes_, n = columns(j);
    const T* bias = f_.bias + first;
    for (std::int64_t t = 0; t < chunk.tokens; ++t) {
      const std::int64_t c = label(chunk, t) - first;
      if (c >= 0 && c < n) chunk.label_logit[t] = s[c * chunk.ld + t] + bias[c];
    }
    constexpr std::int64_t together = 4 * width<T>;
    std::int64_t t = 0;
    for (; t + together <= chunk.ld; t += together) measure_columns<keep, 4>(chunk, j, t, s);
    for (; t < chunk.ld; t += width<T>) measure_columns<keep, 1>(chunk, j, t, s);
  }

  /// m and z alone, for V vectors of tokens from t on. One vector alone would wait for each maximum before
  /// the next.
  template <bool keep, std::size_t V>
  void measure_columns(Chunk<Products>& chunk, std::int64_t j, std::int64_t t, T* s) const {
    const std::int64_t n = columns(j);
    const T* bias = f_.bias + j * tile_classes_;
    const auto element = [&](std::int64_t c, std::size_t v) {
      return s + c * chunk.ld + t + static_cast<std::int64_t>(v) * width<T>;
    };
    Batch top[V], shift[V], sum[V];
    for (std::size_t v = 0; v < V; ++v) top[v] = Batch(-std::numeric_limits<T>::infinity());
    for (std::int64_t c = 0; c < n; ++c) {
      for (std::size_t v = 0; v < V; ++v) {
        top[v] = xsimd::max(top[v], Batch::load_unaligned(element(c, v)) + Batch(bias[c]));
      }
    }
    for (std::size_t v = 0; v < V; ++v) {
      // With an infinite m, exp(S - m) would be NaN. With a shift of 0, the loss becomes infinite or NaN.
      const auto finite = xsimd::abs(top[v]) <= Batch(std::numeric_limits<T>::max());
      shift[v] = xsimd::select(finite, top[v], Batch(T(0)));
      sum[v] = Batch(T(0));
    }
    for (std::int64_t c = 0; c < n; ++c) {
      for (std::size_t v = 0; v < V; ++v) {
        const Batch e = exp_of(Batch::load_unaligned(element(c, v)) + Batch(bias[c]) - shift[v]);
        if constexpr (keep) e.store_unaligned(element(c, v));
        sum[v] += e;
      }
    }
    for (std::size_t v = 0; v < V; ++v) {
      // A tile of minus infinities alone adds nothing, whatever the others hold.
      const auto nothing = top[v] == Batch(-std::numeric_limits<T>::infinity());
      const std::int64_t at = j * chunk.ld + t + static_cast<std::int64_t>(v) * width<T>;
      xsimd::select(nothing, top[v], shift[v]).store_unaligned(chunk.tile_max.data() + at);
      sum[v].store_unaligned(chunk.tile_sum.data() + at);
    }
  }

  /// L of every token; the sum of their losses.
  double combine(Chunk<Products>& chunk) const {
    double total = 0;
    for (std::int64_t t = 0; t < chunk.ld; ++t) {
      T top = -std::numeric_limits<T>::infinity();
      for (std::int64_t j = 0; j < tiles_; ++j) top = std::max(top, chunk.tile_max[j * chunk.ld + t]);
      double sum = 0;  // 10^5 classes keep f32's digits
      for (std::int64_t j = 0; j < tiles_; ++j) {
        const std::int64_t at = j * chunk.ld + t;
        sum += static_cast<double>(chunk.tile_sum[at] * std::exp(chunk.tile_max[at] - top));
      }
      chunk.top[t] = top;
      chunk.log_sum[t] = static_cast<T>(std::log(sum));
      if (chunk.scale[t] != 0) {
        total += (static_cast<double>(top) - static_cast<double>(chunk.label_logit[t])) + std::log(sum);
      }
    }
    return total;
  }

  /// s = P, from S in `from`, or with `kept` from exp(S - m); `from` may be s. Row sums are added to dbias.
  /// factor: [chunk.ld], working memory. Each thread has its own s and factor.
  template <bool kept>
  void to_gradient(const Chunk<Products>& chunk, std::int64_t j, const T* from, T* s, T* factor,
                   T* dbias) const {
    const std::int64_t first = j * tile_classes_, n = columns(j);
    const auto load = [](const T* at) { return Batch::load_unaligned(at); };
    const T *top = chunk.top.data(), *log_sum = chunk.log_sum.data(), *scale = chunk.scale.data();
    for (std::int64_t t = 0; kept && t < chunk.ld; t += width<T>) {
      const Batch m = load(chunk.tile_max.data() + j * chunk.ld + t);
      (exp_of((m - load(top + t)) - load(log_sum + t)) * load(scale + t)).store_unaligned(factor + t);
    }
    for (std::int64_t c = 0; c < n; ++c) {
      const T* before = from + c * chunk.ld;
      T* row = s + c * chunk.ld;
      const Batch bias(f_.bias[first + c]);
      Batch sum(T(0));
      for (std::int64_t t = 0; t < chunk.ld; t += width<T>) {
        const Batch p =
            kept ? load(before + t) * load(factor + t)
                 : exp_of((load(before + t) + bias - load(top + t)) - load(log_sum + t)) * load(scale + t);
        p.store_unaligned(row + t);
        sum += p;
      }
      dbias[first + c] += xsimd::hadd(sum);
    }
    for (std::int64_t t = 0; t < chunk.tokens; ++t) {
      const std::int64_t c = label(chunk, t) - first;
      if (c < 0 || c >= n) continue;
      s[c * chunk.ld + t] -= scale_;
      dbias[first + c] -= scale_;
    }
  }

  /// dE += P X and dX^T += E^T P for tile j. dx: [H, chunk.ld]; dweight: for all classes; next: the tile
  /// that is read after it, if it is in memory.
  void add_products(const Chunk<Products>& chunk, std::int64_t j, const T* p,
                    typename Products::Gradient& gradient, T* dx, T* dweight, const T* next) const {
    const std::int64_t first = j * tile_classes_;
    products_.gradients(first, columns(j), chunk.tokens, chunk.x, chunk.ld, p, gradient, dx,
                        dweight + first * f_.H, next);
  }

  /// out = sum of `parts` arrays of n; out may be the first of them.
  static void sum_parts(const Scratch<T>& from, std::int64_t n, T* out) {
    constexpr std::int64_t block = 4096;
#pragma omp parallel for schedule(static) if (n > block)
    for (std::int64_t start = 0; start < n; start += block) {
      const std::int64_t end = std::min(n, start + block);
      if (out != from.data()) std::copy(from.data() + start, from.data() + end, out + start);
      for (std::int64_t part = 1; part < parts; ++part) {
        const T* more = from.data() + part * n;
        for (std::int64_t i = start; i < end; ++i) out[i] += more[i];
      }
    }
  }

  LinearCrossEntropy<T> f_;
  Products products_;
  T scale_;
  std::int64_t tile_classes_, tiles_, chunk_tokens_, chunks_;
};

}  // namespace

template <class T>
void linear_cross_entropy(Cpu, const LinearCrossEntropy<T>& f) {
  const double sum = [&] {
    if constexpr (std::is_same_v<T, float>) {
      if (f.bf16) return Head<Bf16HeadProducts>(f).run();
    }
    return Head<HeadProducts<T>>(f).run();
  }();
  *f.loss = static_cast<T>(sum / static_cast<double>(f.labelled));
}

template void linear_cross_entropy(Cpu, const LinearCrossEntropy<float>&);
template void linear_cross_entropy(Cpu, const LinearCrossEntropy<double>&);

}  // namespace lrurec::ops::kernels
