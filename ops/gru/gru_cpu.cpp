// Sequences go side by side. A thread takes a group of them, sorted by length, and walks time. At each step
// one small product serves all sequences that still have tokens, which are the first rows of the group.

#include <algorithm>
#include <numeric>
#include <vector>

#include "ops/gru/kernels.h"
#include "ops/primitives/formulas.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

/// Sequences by falling length, dealt out to groups in turn, so that the groups take about equally long.
struct Groups {
  std::vector<std::vector<std::int64_t>> sequences;

  template <class T>
  explicit Groups(const Gru<T>& f) {
    constexpr std::int64_t rows = 32;
    const auto length = [&](std::int64_t s) { return f.offsets[s + 1] - f.offsets[s]; };
    std::vector<std::int64_t> order(static_cast<std::size_t>(f.sequences));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return length(a) > length(b); });
    sequences.resize(static_cast<std::size_t>((f.sequences + rows - 1) / rows));
    for (std::size_t i = 0; i < order.size(); ++i) sequences[i % sequences.size()].push_back(order[i]);
  }
  std::int64_t count() const { return std::ssize(sequences); }
};

/// How many of a group's sequences have a token t.
template <class T>
std::int64_t active(const Gru<T>& f, const std::vector<std::int64_t>& group, std::int64_t t) {
  const auto end = std::partition_point(group.begin(), group.end(),
                                        [&](std::int64_t s) { return f.offsets[s + 1] - f.offsets[s] > t; });
  return end - group.begin();
}

template <class T>
std::int64_t longest(const Gru<T>& f, const std::vector<std::int64_t>& group) {
  return group.empty() ? 0 : f.offsets[group[0] + 1] - f.offsets[group[0]];
}

/// Calls f(group) for every group, in parallel.
template <class T, class F>
void for_groups(const Gru<T>& f, F&& work) {
  const Groups groups(f);
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (groups.count() > 1)
  for (std::int64_t i = 0; i < groups.count(); ++i) {
    errors.attempt([&] { work(groups.sequences[static_cast<std::size_t>(i)]); });
  }
  errors.rethrow();
}

template <class T>
Strided<T> row(const T* data) {
  return {data, 1};
}

}  // namespace

template <class T>
void gru_forward(Cpu, const Gru<T>& f, T* h, T* final_state, T* kept) {
  using formulas::sigmoid, formulas::tanh;
  const std::int64_t H = f.H;
  for_groups(f, [&](const std::vector<std::int64_t>& group) {
    const auto n = std::ssize(group);
    Scratch<T> state(n * H, T(0)), product(n * 3 * H), gates(4 * H);
    for (std::int64_t i = 0; i < n && f.initial != nullptr; ++i) {
      std::copy_n(f.initial + group[static_cast<std::size_t>(i)] * H, H, state.data() + i * H);
    }
    for (std::int64_t t = 0; t < longest(f, group); ++t) {
      const std::int64_t rows = active(f, group, t);
      tile_product(TileStart::zero, rows, 3 * H, H, TileOperand<T>{state.data(), H, 1}, f.columns, 3 * H,
                   product.data(), 3 * H);
      for (std::int64_t i = 0; i < rows; ++i) {
        const std::int64_t token = f.offsets[group[static_cast<std::size_t>(i)]] + t;
        const T *g = f.g + token * 3 * H, *a = product.data() + i * 3 * H;
        T* before = state.data() + i * H;
        T* r = kept == nullptr ? gates.data() : kept + token * 4 * H;
        T *z = r + H, *candidate = z + H, *m = candidate + H;
        const auto gate = [](auto x, auto y) { return sigmoid(x + y); };
        map(H, r, gate, row(g), row(a));
        map(H, z, gate, row(g + H), row(a + H));
        map(
            H, m, [](auto x, auto y) { return x + y; }, row(a + 2 * H), row(f.c));
        map(
            H, candidate, [](auto x, auto y, auto w) { return tanh(x + y * w); }, row(g + 2 * H), row<T>(r),
            row<T>(m));
        map(
            H, before, [](auto x, auto y, auto w) { return x + y * (w - x); }, row<T>(candidate), row<T>(z),
            row<T>(before));
        std::copy_n(before, H, h + token * H);
      }
    }
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(state.data() + i * H, H, final_state + group[static_cast<std::size_t>(i)] * H);
    }
  });
}

template <class T>
void gru_backward(Cpu, const Gru<T>& f, const GruGradients<T>& out) {
  const std::int64_t H = f.H;
  for_groups(f, [&](const std::vector<std::int64_t>& group) {
    const auto n = std::ssize(group);
    Scratch<T> carried(n * H, T(0)), rows_da(n * 3 * H), zeros(H, T(0));  // carried: dh from t + 1
    for (std::int64_t i = 0; i < n && out.dfinal != nullptr; ++i) {
      std::copy_n(out.dfinal + group[static_cast<std::size_t>(i)] * H, H, carried.data() + i * H);
    }
    for (std::int64_t t = longest(f, group) - 1; t >= 0; --t) {
      const std::int64_t rows = active(f, group, t);
      for (std::int64_t i = 0; i < rows; ++i) {
        const std::int64_t s = group[static_cast<std::size_t>(i)], token = f.offsets[s] + t;
        const T* r = out.kept + token * 4 * H;
        const T *z = r + H, *candidate = z + H, *m = candidate + H;
        const T* h = t > 0                  ? out.h + (token - 1) * H
                     : f.initial == nullptr ? zeros.data()
                                            : f.initial + s * H;
        std::copy_n(h, H, out.before + token * H);
        const T* outside = out.dh == nullptr ? zeros.data() : out.dh + token * H;
        T *dh = carried.data() + i * H, *dg = out.dg + token * 3 * H, *da = out.da + token * 3 * H;
#pragma omp simd
        for (std::int64_t k = 0; k < H; ++k) {
          const T d = dh[k] + outside[k];
          const T dn = d * (1 - z[k]) * (1 - candidate[k] * candidate[k]);
          const T dz = d * (h[k] - candidate[k]) * z[k] * (1 - z[k]);
          const T dr = dn * m[k] * r[k] * (1 - r[k]);
          dg[k] = da[k] = dr;
          dg[H + k] = da[H + k] = dz;
          dg[2 * H + k] = dn;
          da[2 * H + k] = dn * r[k];
          dh[k] = d * z[k];
        }
        std::copy_n(da, 3 * H, rows_da.data() + i * 3 * H);
      }
      tile_product(TileStart::sum, rows, H, 3 * H, TileOperand<T>{rows_da.data(), 3 * H, 1}, f.U, H,
                   carried.data(), H);
    }
    for (std::int64_t i = 0; i < n && out.dinitial != nullptr; ++i) {
      std::copy_n(carried.data() + i * H, H, out.dinitial + group[static_cast<std::size_t>(i)] * H);
    }
  });
}

#define GRU(T)                                                  \
  template void gru_forward<T>(Cpu, const Gru<T>&, T*, T*, T*); \
  template void gru_backward<T>(Cpu, const Gru<T>&, const GruGradients<T>&);
GRU(float)
GRU(double)

}  // namespace lrurec::ops::kernels
