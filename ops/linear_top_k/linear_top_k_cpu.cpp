// Threads take parts of the classes and keep the k best of each row; then the parts are joined. A tile's
// scores are compared with the worst of the best so far; few pass.

#include <omp.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "ops/linear_top_k/kernels.h"
#include "ops/primitives/simd.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
struct Candidate {
  T score;
  std::int64_t id;
  /// Whether it comes before the other: an order of all candidates, so the result does not depend on who
  /// looked at what first.
  bool operator<(const Candidate& other) const {
    return score > other.score || (score == other.score && id < other.id);
  }
};

/// The k best of one row among some classes: a heap with the worst on top.
template <class T>
class Best {
 public:
  explicit Best(std::int64_t k) : k_(static_cast<std::size_t>(k)) { heap_.reserve(k_); }

  /// What a score must exceed or equal to matter.
  T bar() const { return heap_.size() < k_ ? -std::numeric_limits<T>::infinity() : heap_.front().score; }
  void offer(Candidate<T> candidate) {
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (k_ > 0 && candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  const std::vector<Candidate<T>>& candidates() const { return heap_; }
  std::vector<Candidate<T>> sorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return heap_;
  }

 private:
  std::size_t k_;
  std::vector<Candidate<T>> heap_;
};

/// Offers the classes of a tile that reach the bar; false where a score is not finite.
template <class T>
bool offer_tile(const LinearTopK<T>& f, std::int64_t row, std::int64_t first, const T* scores,
                Best<T>& best) {
  using Batch = xsimd::batch<T>;
  constexpr auto width = static_cast<std::int64_t>(Batch::size);
  static_assert(top_k_tile % width == 0);
  const std::int64_t n = std::min(top_k_tile, f.C - first);
  const std::int64_t *from = f.excluded + f.excluded_offsets[row],
                     *to = f.excluded + f.excluded_offsets[row + 1];
  T finite = 0;
  std::int64_t c = 0;
  for (; c + width <= n; c += width) {
    const Batch s = Batch::load_unaligned(scores + c) + Batch::load_unaligned(f.bias + first + c);
    const Batch zero = s - s;  // NaN where a score is not finite
    if (!xsimd::any(s >= Batch(best.bar())) && xsimd::all(zero == Batch(T(0)))) continue;
    for (std::int64_t i = c; i < c + width; ++i) {
      const Candidate<T> candidate{scores[i] + f.bias[first + i], first + i};
      finite += candidate.score - candidate.score;
      if (candidate.score >= best.bar() && !std::binary_search(from, to, candidate.id)) best.offer(candidate);
    }
  }
  for (; c < n; ++c) {
    const Candidate<T> candidate{scores[c] + f.bias[first + c], first + c};
    finite += candidate.score - candidate.score;
    if (candidate.score >= best.bar() && !std::binary_search(from, to, candidate.id)) best.offer(candidate);
  }
  return finite == 0;
}

}  // namespace

template <class T>
void pack_classes(std::int64_t C, std::int64_t H, const T* weight, T* tiles) {
  const std::int64_t count = (C + top_k_tile - 1) / top_k_tile;
#pragma omp parallel for schedule(static)
  for (std::int64_t j = 0; j < count; ++j) {
    T* tile = tiles + j * H * top_k_tile;
    const std::int64_t n = std::min(top_k_tile, C - j * top_k_tile);
    if (n < top_k_tile) std::fill_n(tile, H * top_k_tile, T(0));
    tile_transpose(n, H, weight + j * top_k_tile * H, H, tile, top_k_tile);
  }
}

template <class T>
void linear_top_k(Cpu, const LinearTopK<T>& f, std::int64_t* indices, T* values, std::int32_t* any_broken) {
  constexpr std::int64_t rows_together = 64;
  const std::int64_t tiles = (f.C + top_k_tile - 1) / top_k_tile;
  const std::int64_t threads = std::clamp<std::int64_t>(tiles / 8, 1, omp_get_max_threads());
  int broken = 0;
  for (std::int64_t first_row = 0; first_row < f.n; first_row += rows_together) {
    const std::int64_t rows = std::min(rows_together, f.n - first_row);
    std::vector<std::vector<Best<T>>> parts(static_cast<std::size_t>(threads));
    ParallelErrors errors;
#pragma omp parallel for num_threads(static_cast <int>(threads)) schedule(static) reduction(+ : broken)
    for (std::int64_t part = 0; part < threads; ++part) {
      errors.attempt([&] {
        std::vector<Best<T>>& best = parts[static_cast<std::size_t>(part)];
        best.assign(static_cast<std::size_t>(rows), Best<T>(f.k));
        const Scratch<T> scores(rows * top_k_tile);
        for (std::int64_t j = tiles * part / threads; j < tiles * (part + 1) / threads; ++j) {
          tile_product(TileStart::zero, rows, top_k_tile, f.H, TileOperand<T>{f.x + first_row * f.H, f.H, 1},
                       f.tiles + j * f.H * top_k_tile, top_k_tile, scores.data(), top_k_tile);
          for (std::int64_t r = 0; r < rows; ++r) {
            const bool finite = offer_tile(f, first_row + r, j * top_k_tile, scores.data() + r * top_k_tile,
                                           best[static_cast<std::size_t>(r)]);
            broken += finite ? 0 : 1;
          }
        }
      });
    }
    errors.rethrow();
    for (std::int64_t r = 0; r < rows; ++r) {
      Best<T> all(f.k);
      for (const auto& part : parts) {
        for (const auto& candidate : part[static_cast<std::size_t>(r)].candidates()) all.offer(candidate);
      }
      const auto sorted = all.sorted();
      for (std::int64_t i = 0; i < f.k; ++i) {
        const bool there = i < std::ssize(sorted);
        const std::int64_t at = (first_row + r) * f.k + i;
        indices[at] = there ? sorted[static_cast<std::size_t>(i)].id : -1;
        values[at] = there ? sorted[static_cast<std::size_t>(i)].score : -std::numeric_limits<T>::infinity();
      }
    }
  }
  *any_broken = broken;
}

#define LINEAR_TOP_K(T)                                                    \
  template void pack_classes<T>(std::int64_t, std::int64_t, const T*, T*); \
  template void linear_top_k<T>(Cpu, const LinearTopK<T>&, std::int64_t*, T*, std::int32_t*);
LINEAR_TOP_K(float)
LINEAR_TOP_K(double)

}  // namespace lrurec::ops::kernels
