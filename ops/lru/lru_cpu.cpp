// A thread takes a run of whole sequences and walks it in tiles of tokens: the projection of a tile, its
// recurrence and the projection back stay in cache. Complex numbers are planes here: a row of 2 D numbers
// holds D real parts, then D imaginary parts, so that each product is one real one of inner or outer size 2
// D.

#include <algorithm>
#include <vector>

#include "ops/lru/kernels.h"
#include "ops/primitives/tile_product.h"
#include "tensor/scratch.h"

namespace lrurec::ops::cpu {
namespace {

constexpr std::int64_t tile_tokens = 64;

/// Runs of sequences with about equal numbers of tokens; as many for any number of threads, since the
/// gradients are summed run by run.
struct Runs {
  std::vector<std::int64_t> first_sequence;  ///< [runs + 1]

  explicit Runs(const LruShape& shape) {
    constexpr std::int64_t most = 32, least_tokens = 128;
    const std::int64_t target = std::max(least_tokens, (shape.tokens() + most - 1) / most);
    first_sequence.push_back(0);
    for (std::int64_t s = 0; s < shape.sequences; ++s) {
      const bool full = shape.offsets[s + 1] - shape.offsets[first_sequence.back()] >= target;
      if (full || s + 1 == shape.sequences) first_sequence.push_back(s + 1);
    }
  }
  std::int64_t count() const { return static_cast<std::int64_t>(first_sequence.size()) - 1; }
};

/// u += lambda * state, planes of D.
template <class T>
void advance(std::int64_t D, const T* lambda, const T* state, T* u) {
  const T *lre = lambda, *lim = lambda + D, *re = state, *im = state + D;
#pragma omp simd
  for (std::int64_t d = 0; d < D; ++d) {
    const T r = lre[d] * re[d] - lim[d] * im[d], i = lre[d] * im[d] + lim[d] * re[d];
    u[d] += r;
    u[D + d] += i;
  }
}

/// g += conj(lambda) * next
template <class T>
void advance_back(std::int64_t D, const T* lambda, const T* next, T* g) {
  const T *lre = lambda, *lim = lambda + D, *re = next, *im = next + D;
#pragma omp simd
  for (std::int64_t d = 0; d < D; ++d) {
    const T r = lre[d] * re[d] + lim[d] * im[d], i = lre[d] * im[d] - lim[d] * re[d];
    g[d] += r;
    g[D + d] += i;
  }
}

/// total += g * conj(h)
template <class T>
void add_lambda_gradient(std::int64_t D, const T* g, const T* h, T* total) {
#pragma omp simd
  for (std::int64_t d = 0; d < D; ++d) {
    total[d] += g[d] * h[d] + g[D + d] * h[D + d];
    total[D + d] += g[D + d] * h[d] - g[d] * h[D + d];
  }
}

template <class T>
void to_plane(std::int64_t D, const std::complex<T>* z, T* plane) {
  for (std::int64_t d = 0; d < D; ++d) plane[d] = z[d].real(), plane[D + d] = z[d].imag();
}

template <class T>
void from_plane(std::int64_t D, const T* plane, std::complex<T>* z) {
  for (std::int64_t d = 0; d < D; ++d) z[d] = {plane[d], plane[D + d]};
}

}  // namespace

template <class T>
LruPlanes<T>::LruPlanes(const LruShape& shape, const LruInputs<T>& in)
    : lambda(2 * shape.D),
      B(shape.H * 2 * shape.D),
      B_rows(B.size()),
      b(lambda.size()),
      C(shape.O * 2 * shape.D),
      C_rows(C.size()) {
  const std::int64_t D = shape.D, H = shape.H, O = shape.O;
  to_plane(D, in.lambda, lambda.data());
  to_plane(D, in.b, b.data());
  for (std::int64_t d = 0; d < D; ++d) {
    const std::int64_t im = D + d;
    for (std::int64_t h = 0; h < H; ++h) {
      const auto w = in.B[d * H + h];
      B[h * 2 * D + d] = B_rows[d * H + h] = w.real();
      B[h * 2 * D + im] = B_rows[im * H + h] = w.imag();
    }
    for (std::int64_t o = 0; o < O; ++o) {
      const auto w = in.C[o * D + d];
      C[d * O + o] = C_rows[o * 2 * D + d] = w.real();
      C[im * O + o] = C_rows[o * 2 * D + im] = -w.imag();
    }
  }
}

template <class T>
void lru_forward(const LruShape& shape, const LruInputs<T>& in, const LruPlanes<T>& planes, T* y, T* y_last,
                 std::complex<T>* final_state, T* states) {
  const std::int64_t H = shape.H, D = shape.D, O = shape.O;
  const Runs runs(shape);
#pragma omp parallel for schedule(dynamic, 1) if (runs.count() > 1)
  for (std::int64_t run = 0; run < runs.count(); ++run) {
    Scratch<T> buffer(states == nullptr ? tile_tokens * 2 * D : 0), state(2 * D);
    std::int64_t s = runs.first_sequence[static_cast<std::size_t>(run)];
    const std::int64_t last_sequence = runs.first_sequence[static_cast<std::size_t>(run + 1)];
    // h_0 of sequence s; an empty sequence ends where it starts.
    const auto enter = [&] {
      for (; s < last_sequence; ++s) {
        std::fill(state.begin(), state.end(), T(0));
        if (in.initial != nullptr) to_plane(D, in.initial + s * D, state.data());
        if (shape.offsets[s] < shape.offsets[s + 1]) return;
        from_plane(D, state.data(), final_state + s * D);
      }
    };
    enter();
    const std::int64_t end = shape.offsets[last_sequence];
    for (std::int64_t first = s < last_sequence ? shape.offsets[s] : end; first < end; first += tile_tokens) {
      const std::int64_t n = std::min(tile_tokens, end - first);
      T* h = states == nullptr ? buffer.data() : states + first * 2 * D;
      tile_product(TileStart::bias, n, 2 * D, H, TileOperand<T>{in.x + first * H, H, 1}, planes.B.data(),
                   2 * D, h, 2 * D, planes.b.data());
      for (std::int64_t t = 0; t < n; ++t) {
        T* row = h + t * 2 * D;
        advance(D, planes.lambda.data(), t == 0 || first + t == shape.offsets[s] ? state.data() : row - 2 * D,
                row);
        if (first + t + 1 == shape.offsets[s + 1]) {
          from_plane(D, row, final_state + s * D);
          ++s;
          enter();
        }
      }
      if (s < last_sequence && shape.offsets[s] < first + n) {  // the tile ends within a sequence
        std::copy_n(h + (n - 1) * 2 * D, 2 * D, state.data());
      }
      if (y != nullptr) {
        tile_product(TileStart::bias, n, O, 2 * D, TileOperand<T>{h, 2 * D, 1}, planes.C.data(), O,
                     y + first * O, O, in.c);
      }
    }
  }
  if (y_last == nullptr) return;
#pragma omp parallel for schedule(static) if (shape.sequences > tile_tokens)
  for (std::int64_t first = 0; first < shape.sequences; first += tile_tokens) {
    const std::int64_t n = std::min(tile_tokens, shape.sequences - first);
    Scratch<T> rows(n * 2 * D);
    for (std::int64_t i = 0; i < n; ++i) to_plane(D, final_state + (first + i) * D, rows.data() + i * 2 * D);
    tile_product(TileStart::bias, n, O, 2 * D, TileOperand<T>{rows.data(), 2 * D, 1}, planes.C.data(), O,
                 y_last + first * O, O, in.c);
  }
}

namespace {

/// What a run of sequences adds to the gradients of the parameters.
template <class T>
struct Sums {
  Scratch<T> lambda, B, b, C, c;  ///< [2 D], [2 D, H], [2 D], [2 D, O], [O]

  explicit Sums(const LruShape& shape)
      : lambda(2 * shape.D, T(0)),
        B(2 * shape.D * shape.H, T(0)),
        b(lambda.size(), T(0)),
        C(2 * shape.D * shape.O, T(0)),
        c(shape.O, T(0)) {}
};

/// One run, its tiles from the last to the first.
template <class T>
void backward_run(const LruShape& shape, const LruInputs<T>& in, const LruPlanes<T>& planes,
                  std::int64_t begin, std::int64_t end, const T* states, const T* dy,
                  const std::complex<T>* dfinal, const LruGradients<T>& gradients, Sums<T>& sums) {
  const std::int64_t H = shape.H, D = shape.D, O = shape.O;
  Scratch<T> buffer(tile_tokens * 2 * D), carried(2 * D), edge(carried.size());
  T* g = buffer.data();
  std::int64_t s = end - 1;
  const auto skip_empty = [&] {  // an empty sequence hands its initial state on unchanged
    for (; s >= begin && shape.offsets[s] == shape.offsets[s + 1]; --s) {
      for (std::int64_t d = 0; d < D && gradients.dinitial != nullptr; ++d) {
        gradients.dinitial[s * D + d] = dfinal == nullptr ? std::complex<T>{} : dfinal[s * D + d];
      }
    }
  };
  skip_empty();
  const std::int64_t first_token = shape.offsets[begin];
  for (std::int64_t last = shape.offsets[end]; last > first_token;) {
    const std::int64_t n = std::min(tile_tokens, last - first_token), first = last - n;
    if (dy != nullptr) {
      tile_product(TileStart::zero, n, 2 * D, O, TileOperand<T>{dy + first * O, O, 1}, planes.C_rows.data(),
                   2 * D, g, 2 * D);
      tile_product(TileStart::sum, 2 * D, O, n, TileOperand<T>{states + first * 2 * D, 1, 2 * D},
                   dy + first * O, O, sums.C.data(), O);
      tile_add_columns(n, O, dy + first * O, sums.c.data());
    } else {
      std::fill_n(g, n * 2 * D, T(0));
    }
    for (std::int64_t t = n - 1; t >= 0; --t) {
      T* row = g + t * 2 * D;
      if (first + t + 1 == shape.offsets[s + 1]) {
        if (dfinal != nullptr) {
          to_plane(D, dfinal + s * D, edge.data());
          for (std::int64_t d = 0; d < 2 * D; ++d) row[d] += edge[d];
        }
      } else {
        advance_back(D, planes.lambda.data(), t + 1 < n ? row + 2 * D : carried.data(), row);
      }
      if (first + t > shape.offsets[s]) {
        add_lambda_gradient(D, row, states + (first + t - 1) * 2 * D, sums.lambda.data());
        continue;
      }
      if (in.initial != nullptr) {
        to_plane(D, in.initial + s * D, edge.data());
        add_lambda_gradient(D, row, edge.data(), sums.lambda.data());
      }
      if (gradients.dinitial != nullptr) {
        std::fill(edge.begin(), edge.end(), T(0));
        advance_back(D, planes.lambda.data(), row, edge.data());
        from_plane(D, edge.data(), gradients.dinitial + s * D);
      }
      --s;
      skip_empty();
    }
    std::copy_n(g, 2 * D, carried.data());
    tile_product(TileStart::zero, n, H, 2 * D, TileOperand<T>{g, 2 * D, 1}, planes.B_rows.data(), H,
                 gradients.dx + first * H, H);
    tile_product(TileStart::sum, 2 * D, H, n, TileOperand<T>{g, 1, 2 * D}, in.x + first * H, H, sums.B.data(),
                 H);
    tile_add_columns(n, 2 * D, g, sums.b.data());
    last = first;
  }
}

}  // namespace

template <class T>
void lru_backward(const LruShape& shape, const LruInputs<T>& in, const T* states, const T* dy,
                  const std::complex<T>* dfinal, const LruGradients<T>& gradients) {
  const std::int64_t H = shape.H, D = shape.D, O = shape.O;
  const LruPlanes<T> planes(shape, in);
  const Runs runs(shape);
  std::vector<Sums<T>> sums;
  for (std::int64_t run = 0; run < std::max<std::int64_t>(runs.count(), 1); ++run) sums.emplace_back(shape);
#pragma omp parallel for schedule(dynamic, 1) if (runs.count() > 1)
  for (std::int64_t run = 0; run < runs.count(); ++run) {
    const auto r = static_cast<std::size_t>(run);
    backward_run(shape, in, planes, runs.first_sequence[r], runs.first_sequence[r + 1], states, dy, dfinal,
                 gradients, sums[r]);
  }
  Sums<T>& total = sums.front();
  for (std::size_t r = 1; r < sums.size(); ++r) {
    const auto add = [](const Scratch<T>& to, const Scratch<T>& from) {
      for (std::int64_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    add(total.lambda, sums[r].lambda);
    add(total.B, sums[r].B);
    add(total.b, sums[r].b);
    add(total.C, sums[r].C);
    add(total.c, sums[r].c);
  }
  from_plane(D, total.lambda.data(), gradients.dlambda);
  from_plane(D, total.b.data(), gradients.db);
  std::copy(total.c.begin(), total.c.end(), gradients.dc);
  for (std::int64_t d = 0; d < D; ++d) {
    for (std::int64_t h = 0; h < H; ++h) {
      gradients.dB[d * H + h] = {total.B[d * H + h], total.B[(D + d) * H + h]};
    }
    for (std::int64_t o = 0; o < O; ++o) {  // y = Re C Re h - Im C Im h
      gradients.dC[o * D + d] = {total.C[d * O + o], -total.C[(D + d) * O + o]};
    }
  }
}

#define LRU(T)                                                                                    \
  template struct LruPlanes<T>;                                                                   \
  template void lru_forward<T>(const LruShape&, const LruInputs<T>&, const LruPlanes<T>&, T*, T*, \
                               std::complex<T>*, T*);                                             \
  template void lru_backward<T>(const LruShape&, const LruInputs<T>&, const T*, const T*,         \
                                const std::complex<T>*, const LruGradients<T>&);
LRU(float)
LRU(double)

}  // namespace lrurec::ops::cpu
