// The scores of a tile of 128 classes x 64 rows of x are compared with the targets' while they lie in cache.
// Several panels of 64 rows share a tile of W, so that W is read from memory once for 256 rows.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "ops/linear_rank/kernels.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr std::int64_t tile_classes = 128, panel_rows = 64, panels_together = 4;

template <class T>
using Batch = xsimd::batch<T>;
template <class T>
constexpr auto width = static_cast<std::int64_t>(Batch<T>::size);
static_assert(panel_rows % width<float> == 0 && panel_rows % width<double> == 0);

/// Up to 64 rows of x and what is counted for them.
template <class T>
struct Panel {
  std::int64_t first = 0, rows = 0;
  Scratch<T> x;           ///< X^T: [H, panel_rows], zeros beyond the rows
  Scratch<T> bar;         ///< score of the target
  Scratch<double> above;  ///< how many classes are at or above it; a float counts only to 2^24
  Scratch<T> broken;      ///< 0 as long as all scores are finite
  Scratch<T> top;         ///< for the loss: the largest score so far
  Scratch<double> sum;    ///< and the sum of exp(score - top); of millions of classes a float would lose much

  explicit Panel(std::int64_t H)
      : x(H * panel_rows, T(0)),
        bar(panel_rows),
        above(panel_rows),
        broken(panel_rows),
        top(panel_rows),
        sum(panel_rows) {}
};

template <class T>
T score(const LinearRank<T>& f, std::int64_t row, std::int64_t c) {
  return tile_dot(f.H, f.x + row * f.H, f.weight + c * f.H) + f.bias[c];
}

template <class T>
void enter(const LinearRank<T>& f, Panel<T>& panel, std::int64_t first) {
  panel.first = first;
  panel.rows = std::clamp<std::int64_t>(f.n - first, 0, panel_rows);
  if (panel.rows < panel_rows) std::fill(panel.x.begin(), panel.x.end(), T(0));
  tile_transpose(panel.rows, f.H, f.x + first * f.H, f.H, panel.x.data(), panel_rows);
  for (std::int64_t r = 0; r < panel_rows; ++r) {
    panel.bar[r] = r < panel.rows ? score(f, first + r, f.targets[first + r]) : T(0);
    panel.broken[r] = T(0);
    panel.above[r] = panel.sum[r] = 0;
    panel.top[r] = -std::numeric_limits<T>::infinity();
  }
}

/// s: scores of n classes without their bias, [n, panel_rows].
template <class T, bool with_losses>
void count(Panel<T>& panel, std::int64_t n, const T* bias, const T* s) {
  for (std::int64_t r = 0; r < panel_rows; r += width<T>) {
    const auto load = [r](const Scratch<T>& from) { return Batch<T>::load_unaligned(from.data() + r); };
    const Batch<T> bar = load(panel.bar);
    Batch<T> above(T(0)), broken = load(panel.broken), top = load(panel.top);
    const auto value = [&](std::int64_t c) {
      return Batch<T>::load_unaligned(s + c * panel_rows + r) + Batch<T>(bias[c]);
    };
    for (std::int64_t c = 0; c < n; ++c) {
      const Batch<T> v = value(c);
      above += xsimd::select(v >= bar, Batch<T>(T(1)), Batch<T>(T(0)));
      broken += v - v;  // 0, or NaN where v is not finite
      if constexpr (with_losses) top = xsimd::max(top, v);
    }
    std::array<T, width<T>> counted;
    above.store_unaligned(counted.data());
    for (std::int64_t i = 0; i < width<T>; ++i) {
      panel.above[r + i] += static_cast<double>(counted[static_cast<std::size_t>(i)]);
    }
    broken.store_unaligned(panel.broken.data() + r);
    if constexpr (with_losses) {
      std::array<T, width<T>> before, added;
      xsimd::exp(load(panel.top) - top).store_unaligned(before.data());
      Batch<T> sum(T(0));
      for (std::int64_t c = 0; c < n; ++c) sum += xsimd::exp(value(c) - top);
      sum.store_unaligned(added.data());
      for (std::int64_t i = 0; i < width<T>; ++i) {
        double& whole = panel.sum[r + i];
        whole = whole * static_cast<double>(before[static_cast<std::size_t>(i)]) +
                static_cast<double>(added[static_cast<std::size_t>(i)]);
      }
      top.store_unaligned(panel.top.data() + r);
    }
  }
}

/// The counts of a panel as ranks: excluded classes are taken out by their own scores.
template <class T>
void finish(const LinearRank<T>& f, const Panel<T>& panel, std::int64_t* ranks, T* losses) {
  for (std::int64_t r = 0; r < panel.rows; ++r) {
    const std::int64_t row = panel.first + r;
    auto rank = static_cast<std::int64_t>(panel.above[r]);
    for (std::int64_t i = f.excluded_offsets[row]; i < f.excluded_offsets[row + 1]; ++i) {
      if (score(f, row, f.excluded[i]) >= panel.bar[r]) --rank;
    }
    ranks[row] = panel.broken[r] == 0 ? rank : -1;  // the target is among those at its own score
    if (losses != nullptr)
      losses[row] = (panel.top[r] - panel.bar[r]) + static_cast<T>(std::log(panel.sum[r]));
  }
}

}  // namespace

template <class T>
void linear_ranks(Cpu, const LinearRank<T>& f, std::int64_t* ranks, T* losses) {
  constexpr std::int64_t group_rows = panel_rows * panels_together;
  const std::int64_t groups = (f.n + group_rows - 1) / group_rows;
  ParallelErrors errors;
#pragma omp parallel if (f.n > panel_rows)
  {
    std::vector<Panel<T>> panels;
    std::optional<Scratch<T>> scores;
    errors.attempt([&] {
      for (std::int64_t p = 0; p < panels_together; ++p) panels.emplace_back(f.H);
      scores.emplace(tile_classes * panel_rows);
    });
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t group = 0; group < groups; ++group) {
      errors.attempt([&] {
        const Scratch<T>& s = *scores;
        for (std::int64_t p = 0; p < panels_together; ++p) {
          enter(f, panels[static_cast<std::size_t>(p)], std::min(f.n, group * group_rows + p * panel_rows));
        }
        for (std::int64_t first = 0; first < f.C; first += tile_classes) {
          const std::int64_t n = std::min(tile_classes, f.C - first);
          for (Panel<T>& panel : panels) {
            if (panel.rows == 0) continue;
            tile_product(TileStart::zero, n, panel_rows, f.H, TileOperand<T>{f.weight + first * f.H, f.H, 1},
                         panel.x.data(), panel_rows, s.data(), panel_rows);
            if (losses == nullptr) {
              count<T, false>(panel, n, f.bias + first, s.data());
            } else {
              count<T, true>(panel, n, f.bias + first, s.data());
            }
          }
        }
        for (const Panel<T>& panel : panels) finish(f, panel, ranks, losses);
      });
    }
  }
  errors.rethrow();
}

#define LINEAR_RANKS(T) template void linear_ranks<T>(Cpu, const LinearRank<T>&, std::int64_t*, T*);
LINEAR_RANKS(float)
LINEAR_RANKS(double)

}  // namespace lrurec::ops::kernels
