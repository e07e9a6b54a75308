// A thread takes a run of whole sequences and walks it in tiles of tokens: the projection of a tile, its
// recurrence and the projection back stay in cache. Complex numbers are planes here: a row of 2 D numbers
// holds D real parts, then D imaginary parts. Each complex product is then one real product whose inner or
// outer size is 2 D.

#include <algorithm>
#include <vector>

#include "ops/lru/kernels.h"
#include "ops/primitives/complex_step.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

/// Runs of sequences with about equal numbers of tokens. Gradients are summed run by run, so the number of
/// runs does not depend on the number of threads.
struct Runs {
  std::vector<std::int64_t> first_sequence;  ///< [runs + 1]

  template <class T>
  explicit Runs(const Lru<T>& f) {
    constexpr std::int64_t most = 32, least_tokens = 128;
    const std::int64_t target = std::max(least_tokens, (f.tokens() + most - 1) / most);
    first_sequence.push_back(0);
    for (std::int64_t s = 0; s < f.sequences; ++s) {
      const bool full = f.offsets[s + 1] - f.offsets[first_sequence.back()] >= target;
      if (full || s + 1 == f.sequences) first_sequence.push_back(s + 1);
    }
  }
  std::int64_t count() const { return static_cast<std::int64_t>(first_sequence.size()) - 1; }
};

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

/// The parts of Lru::packed; T may be const.
template <class T>
struct Packed {
  T *lambda, *b;  ///< [2 D]
  T *B, *B_rows;  ///< [H, 2 D], rows `ld` apart, and its transpose [2 D, H]
  T *C, *C_rows;  ///< [2 D, O] = [Re C^T; -Im C^T] and its transpose [O, 2 D], rows `ld` apart
  std::int64_t ld;

  template <class U>
  Packed(const LruWeights<U>& w, T* at)
      : lambda(at),
        b(lambda + 2 * w.D),
        B(b + 2 * w.D),
        B_rows(B + w.H * tile_stride<U>(2 * w.D)),
        C(B_rows + w.H * 2 * w.D),
        C_rows(C + w.O * 2 * w.D),
        ld(tile_stride<U>(2 * w.D)) {}
};

}  // namespace

std::int64_t packed_lru_size(Cpu, std::int64_t H, std::int64_t D, std::int64_t O) {
  return 4 * D + (2 * D + std::max(tile_stride<float>(2 * D), tile_stride<double>(2 * D))) * (H + O);
}

template <class T>
void pack_lru(Cpu, const LruWeights<T>& w, T* packed) {
  const std::int64_t D = w.D, H = w.H, O = w.O;
  const Packed<T> to(w, packed);
  to_plane(D, w.lambda, to.lambda);
  to_plane(D, w.b, to.b);
  for (std::int64_t d = 0; d < D; ++d) {
    const std::int64_t im = D + d;
    for (std::int64_t h = 0; h < H; ++h) {
      const auto z = w.B[d * H + h];
      to.B[h * to.ld + d] = to.B_rows[d * H + h] = z.real();
      to.B[h * to.ld + im] = to.B_rows[im * H + h] = z.imag();
    }
    for (std::int64_t o = 0; o < O; ++o) {
      const auto z = w.C[o * D + d];
      to.C[d * O + o] = to.C_rows[o * to.ld + d] = z.real();
      to.C[im * O + o] = to.C_rows[o * to.ld + im] = -z.imag();
    }
  }
}

namespace {

/// Sequences begin .. end-1, tile by tile.
template <class T>
void forward_run(const Lru<T>& f, std::int64_t begin, std::int64_t end, const LruOutputs<T>& out) {
  const std::int64_t H = f.weights.H, D = f.weights.D, O = f.weights.O;
  const Packed<const T> weights(f.weights, f.packed);
  const std::int64_t tile = tile_tokens<T>(f.bf16);
  Scratch<T> buffer(out.states == nullptr ? tile * 2 * D : 0), state(2 * D);
  TileProduct<T> multiply(f.bf16);
  std::int64_t s = begin;
  // Loads h_0 of the next sequence that has tokens. An empty one ends with the state it starts from.
  const auto enter = [&] {
    for (; s < end; ++s) {
      std::fill(state.begin(), state.end(), T(0));
      if (f.initial != nullptr) to_plane(D, f.initial + s * D, state.data());
      if (f.offsets[s] < f.offsets[s + 1]) return;
      from_plane(D, state.data(), out.final_state + s * D);
    }
  };
  enter();
  const std::int64_t end_token = f.offsets[end];
  for (std::int64_t first = f.offsets[s]; first < end_token; first += tile) {
    const std::int64_t n = std::min(tile, end_token - first);
    T* h = out.states == nullptr ? buffer.data() : out.states + first * 2 * D;
    multiply(TileStart::bias, n, 2 * D, H, TileOperand<T>{f.x + first * H, H, 1}, weights.B, weights.ld, h,
             2 * D, weights.b);
    for (std::int64_t t = 0; t < n; ++t) {
      T* row = h + t * 2 * D;
      const T* before = t == 0 || first + t == f.offsets[s] ? state.data() : row - 2 * D;
      complex_step<false>(PlanarParts{D}, D, weights.lambda, before, row, row);
      if (first + t + 1 == f.offsets[s + 1]) {
        from_plane(D, row, out.final_state + s * D);
        ++s;
        enter();
      }
    }
    if (s < end && f.offsets[s] < first + n) {  // the tile ends within a sequence
      std::copy_n(h + (n - 1) * 2 * D, 2 * D, state.data());
    }
    if (out.y != nullptr) {
      multiply(TileStart::bias, n, O, 2 * D, TileOperand<T>{h, 2 * D, 1}, weights.C, O, out.y + first * O, O,
               f.weights.c);
    }
  }
}

/// y_last from the final states.
template <class T>
void project_last(const Lru<T>& f, const LruOutputs<T>& out) {
  const std::int64_t D = f.weights.D, O = f.weights.O;
  const Packed<const T> weights(f.weights, f.packed);
  const std::int64_t tile = tile_tokens<T>(f.bf16);
  ParallelErrors errors;
#pragma omp parallel for schedule(static) if (f.sequences > tile)
  for (std::int64_t first = 0; first < f.sequences; first += tile) {
    errors.attempt([&] {
      const std::int64_t n = std::min(tile, f.sequences - first);
      Scratch<T> rows(n * 2 * D);
      TileProduct<T> multiply(f.bf16);
      for (std::int64_t i = 0; i < n; ++i) {
        to_plane(D, out.final_state + (first + i) * D, rows.data() + i * 2 * D);
      }
      multiply(TileStart::bias, n, O, 2 * D, TileOperand<T>{rows.data(), 2 * D, 1}, weights.C, O,
               out.y_last + first * O, O, f.weights.c);
    });
  }
  errors.rethrow();
}

}  // namespace

template <class T>
void lru_forward(Cpu, const Lru<T>& f, const LruOutputs<T>& out) {
  const Runs runs(f);
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (runs.count() > 1)
  for (std::int64_t run = 0; run < runs.count(); ++run) {
    const auto r = static_cast<std::size_t>(run);
    errors.attempt([&] { forward_run(f, runs.first_sequence[r], runs.first_sequence[r + 1], out); });
  }
  errors.rethrow();
  if (out.y_last != nullptr) project_last(f, out);
}

namespace {

/// What a run of sequences adds to the gradients of the parameters.
template <class T>
struct Sums {
  Scratch<T> lambda, B, b, C, c;  ///< [2 D], [2 D, H], [2 D], [2 D, O], [O]

  explicit Sums(const LruWeights<T>& w)
      : lambda(2 * w.D, T(0)),
        B(2 * w.D * w.H, T(0)),
        b(lambda.size(), T(0)),
        C(2 * w.D * w.O, T(0)),
        c(w.O, T(0)) {}
};

/// Sequences begin .. end-1, their tiles from the last to the first.
template <class T>
void backward_run(const Lru<T>& f, std::int64_t begin, std::int64_t end, const T* states,
                  const LruGradients<T>& gradients, Sums<T>& sums) {
  const std::int64_t H = f.weights.H, D = f.weights.D, O = f.weights.O;
  const Packed<const T> weights(f.weights, f.packed);
  const PlanarParts parts{D};
  const T* dy = gradients.dy;
  const std::int64_t tile = tile_tokens<T>(f.bf16);
  Scratch<T> buffer(tile * 2 * D), carried(2 * D), edge(carried.size());
  TileProduct<T> multiply(f.bf16);
  T* g = buffer.data();
  std::int64_t s = end - 1;
  const auto skip_empty = [&] {  // an empty sequence hands its initial state on unchanged
    for (; s >= begin && f.offsets[s] == f.offsets[s + 1]; --s) {
      for (std::int64_t d = 0; d < D && gradients.dinitial != nullptr; ++d) {
        gradients.dinitial[s * D + d] =
            gradients.dfinal == nullptr ? std::complex<T>{} : gradients.dfinal[s * D + d];
      }
    }
  };
  skip_empty();
  const std::int64_t first_token = f.offsets[begin];
  for (std::int64_t last = f.offsets[end]; last > first_token;) {
    const std::int64_t n = std::min(tile, last - first_token), first = last - n;
    if (dy != nullptr) {
      multiply(TileStart::zero, n, 2 * D, O, TileOperand<T>{dy + first * O, O, 1}, weights.C_rows, weights.ld,
               g, 2 * D);
      multiply(TileStart::sum, 2 * D, O, n, TileOperand<T>{states + first * 2 * D, 1, 2 * D}, dy + first * O,
               O, sums.C.data(), O);
      tile_add_columns(n, O, dy + first * O, sums.c.data());
    } else {
      std::fill_n(g, n * 2 * D, T(0));
    }
    for (std::int64_t t = n - 1; t >= 0; --t) {
      T* row = g + t * 2 * D;
      if (first + t + 1 == f.offsets[s + 1]) {
        if (gradients.dfinal != nullptr) {
          to_plane(D, gradients.dfinal + s * D, edge.data());
          for (std::int64_t d = 0; d < 2 * D; ++d) row[d] += edge[d];
        }
      } else {
        const T* next = t + 1 < n ? row + 2 * D : carried.data();
        complex_step<true>(parts, D, weights.lambda, next, row, row);
      }
      if (first + t > f.offsets[s]) {
        add_lambda_gradient(D, row, states + (first + t - 1) * 2 * D, sums.lambda.data());
        continue;
      }
      if (f.initial != nullptr) {
        to_plane(D, f.initial + s * D, edge.data());
        add_lambda_gradient(D, row, edge.data(), sums.lambda.data());
      }
      if (gradients.dinitial != nullptr) {
        std::fill(edge.begin(), edge.end(), T(0));
        complex_step<true>(parts, D, weights.lambda, row, edge.data(), edge.data());
        from_plane(D, edge.data(), gradients.dinitial + s * D);
      }
      --s;
      skip_empty();
    }
    std::copy_n(g, 2 * D, carried.data());
    multiply(TileStart::zero, n, H, 2 * D, TileOperand<T>{g, 2 * D, 1}, weights.B_rows, H,
             gradients.dx + first * H, H);
    multiply(TileStart::sum, 2 * D, H, n, TileOperand<T>{g, 1, 2 * D}, f.x + first * H, H, sums.B.data(), H);
    tile_add_columns(n, 2 * D, g, sums.b.data());
    last = first;
  }
}

}  // namespace

template <class T>
void lru_backward(Cpu, const Lru<T>& f, const T* states, const LruGradients<T>& gradients) {
  const std::int64_t H = f.weights.H, D = f.weights.D, O = f.weights.O;
  const Runs runs(f);
  std::vector<Sums<T>> sums;
  for (std::int64_t run = 0; run < std::max<std::int64_t>(runs.count(), 1); ++run) {
    sums.emplace_back(f.weights);
  }
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (runs.count() > 1)
  for (std::int64_t run = 0; run < runs.count(); ++run) {
    const auto r = static_cast<std::size_t>(run);
    errors.attempt([&] {
      backward_run(f, runs.first_sequence[r], runs.first_sequence[r + 1], states, gradients, sums[r]);
    });
  }
  errors.rethrow();
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

#define LRU(T)                                                            \
  template void pack_lru<T>(Cpu, const LruWeights<T>&, T*);               \
  template void lru_forward<T>(Cpu, const Lru<T>&, const LruOutputs<T>&); \
  template void lru_backward<T>(Cpu, const Lru<T>&, const T*, const LruGradients<T>&);
LRU(float)
LRU(double)

}  // namespace lrurec::ops::kernels
