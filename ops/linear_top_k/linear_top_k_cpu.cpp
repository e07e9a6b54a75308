// All scores of the rows for which estimates (coded_top_k.h) do not suffice. Threads take parts of the
// classes and keep the k best of each row; then the parts are joined. A tile's scores are compared with the
// worst of the k best so far, which few exceed.

#include <omp.h>

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "ops/linear_top_k/best.h"
#include "ops/linear_top_k/coded_top_k.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr std::int64_t top_k_tile = 128, top_k_rows = 64;  ///< classes, rows

/// Some rows of x, and the k best of each among some classes.
template <class T>
class ExactScan {
 public:
  using Batch = xsimd::batch<T>;
  static constexpr auto width = static_cast<std::int64_t>(Batch::size);

  ExactScan(const LinearTopK<T>& f, std::span<const RowLeft<T>> rows)
      : f_(f),
        rows_(rows),
        columns_((std::ssize(rows) + width - 1) / width * width),
        x_(f.H * columns_, T(0)),
        scores_(top_k_tile * columns_),
        bars_(columns_, std::numeric_limits<T>::infinity()),
        best_(rows.size(), Best<T>(f.k)) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto column = static_cast<std::int64_t>(r);
      tile_transpose(1, f.H, f.x + rows[r].row * f.H, f.H, x_.data() + column, columns_);
      bars_[column] = rows[r].bar;
    }
  }

  /// Scores n classes from `first` on and keeps the best; false where a score is not finite.
  bool tile(std::int64_t first, std::int64_t n) {
    tile_product(TileStart::zero, n, columns_, f_.H, TileOperand<T>{f_.weight + first * f_.H, f_.H, 1},
                 x_.data(), columns_, scores_.data(), columns_);
    Batch zero(T(0));  // NaN where a score is not finite
    for (std::int64_t c = 0; c < n; ++c) {
      for (std::int64_t at = 0; at < columns_; at += width) {
        T* scores = scores_.data() + c * columns_ + at;
        const Batch s = Batch::load_unaligned(scores) + Batch(f_.bias[first + c]);
        zero += s - s;
        if (!xsimd::any(s >= Batch::load_unaligned(bars_.data() + at))) continue;
        s.store_unaligned(scores);
        for (std::int64_t lane = 0; lane < width; ++lane) offer(at + lane, {scores[lane], first + c});
      }
    }
    return xsimd::all(zero == Batch(T(0)));
  }
  const std::vector<Best<T>>& best() const { return best_; }

 private:
  void offer(std::int64_t column, Candidate<T> candidate) {
    if (!(candidate.score >= bars_[column])) return;
    const std::int64_t row = rows_[static_cast<std::size_t>(column)].row;
    if (std::binary_search(f_.excluded + f_.excluded_offsets[row], f_.excluded + f_.excluded_offsets[row + 1],
                           candidate.id)) {
      return;
    }
    Best<T>& best = best_[static_cast<std::size_t>(column)];
    best.offer(candidate);
    bars_[column] = std::max(bars_[column], best.bar());
  }

  const LinearTopK<T>& f_;
  std::span<const RowLeft<T>> rows_;
  std::int64_t columns_;  ///< rows and zeros that fill a vector
  Scratch<T> x_;          ///< X^T: [H, columns]
  Scratch<T> scores_;     ///< [classes, columns]
  Scratch<T> bars_;       ///< of each column; infinity where it is no row
  std::vector<Best<T>> best_;
};

/// For at most top_k_rows rows. Returns the number of tiles in which a score is not finite.
template <class T>
int exact_top_k(const LinearTopK<T>& f, std::span<const RowLeft<T>> rows, std::int64_t* indices, T* values) {
  const std::int64_t tiles = (f.C + top_k_tile - 1) / top_k_tile;
  const std::int64_t threads = std::clamp<std::int64_t>(tiles / 8, 1, omp_get_max_threads());
  std::vector<std::vector<Best<T>>> parts(static_cast<std::size_t>(threads));
  int broken = 0;
  ParallelErrors errors;
#pragma omp parallel for num_threads(static_cast <int>(threads)) schedule(static) reduction(+ : broken)
  for (std::int64_t part = 0; part < threads; ++part) {
    errors.attempt([&] {
      ExactScan<T> scan(f, rows);
      for (std::int64_t j = tiles * part / threads; j < tiles * (part + 1) / threads; ++j) {
        broken += scan.tile(j * top_k_tile, std::min(top_k_tile, f.C - j * top_k_tile)) ? 0 : 1;
      }
      parts[static_cast<std::size_t>(part)] = scan.best();
    });
  }
  errors.rethrow();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Best<T> all(f.k);
    for (const auto& part : parts) {
      for (const auto& candidate : part[r].candidates()) all.offer(candidate);
    }
    all.write(indices + rows[r].row * f.k, values + rows[r].row * f.k);
  }
  return broken;
}

}  // namespace

template <class T>
std::int64_t linear_top_k(Cpu, const LinearTopK<T>& f, std::int64_t* indices, T* values,
                          std::int32_t* broken) {
  std::int64_t scored = 0;
  std::vector<RowLeft<T>> rows;
  if constexpr (sizeof(T) == sizeof(float)) {
    rows = coded_top_k(f, indices, values, scored);
  } else {
    for (std::int64_t r = 0; r < f.n; ++r) rows.push_back({r});
  }
  for (std::size_t first = 0; first < rows.size(); first += top_k_rows) {
    const auto some = std::span<const RowLeft<T>>(rows).subspan(
        first, std::min<std::size_t>(top_k_rows, rows.size() - first));
    *broken += exact_top_k(f, some, indices, values);
  }
  return scored + std::ssize(rows) * f.C;
}

#define LINEAR_TOP_K(T) \
  template std::int64_t linear_top_k<T>(Cpu, const LinearTopK<T>&, std::int64_t*, T*, std::int32_t*);
LINEAR_TOP_K(float)
LINEAR_TOP_K(double)

}  // namespace lrurec::ops::kernels
