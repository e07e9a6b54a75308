// A class whose upper bound is below the k-th best exact score so far is not among the k best, and is passed
// over. The others are scored as they are met, so the bar rises quickly. A row for which too many are met is
// given up: scores one by one cost seventy times as much as in a product of many rows with all classes, so
// that after a 64th of them the product is as cheap.

#include "ops/linear_top_k/coded_top_k.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "ops/linear_top_k/best.h"
#include "ops/linear_top_k/class_codes.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"

namespace lrurec::ops::kernels {
namespace {

/// The search for the best of some classes for one row.
class Search {
 public:
  Search(const LinearTopK<float>& f, std::int64_t number, const CodedRow& row, std::int64_t most_scored)
      : f_(f), number_(number), row_(row), most_scored_(most_scored), best_(f.k) {}

  void tile(std::int64_t j) {
    TileEstimates found;
    if (given_up() || !estimate_tile(*f_.codes, j, row_, bar_, found)) return;
    for (std::size_t word = 0; word < found.reached.size(); ++word) {
      for (std::uint64_t left = found.reached[word]; left != 0; left &= left - 1) {
        const std::int64_t at = static_cast<std::int64_t>(64 * word) + std::countr_zero(left);
        // The bar may have risen since.
        if (found.estimate[at] + row_.error * f_.codes->error(j)[at] >= bar_) {
          add(j * ClassCodes::tile + at);
        }
      }
    }
  }
  /// Scores those that wait.
  void finish() {
    if (count_ == 0) return;
    std::array<const float*, together> weights;
    std::array<float, together> scores;
    for (std::size_t i = 0; i < together; ++i) {  // where fewer wait, one is scored again
      weights[i] = f_.weight + waiting_[i < count_ ? i : 0] * f_.H;
    }
    tile_dots(f_.H, f_.x + number_ * f_.H, weights, scores);
    for (std::size_t i = 0; i < count_; ++i) {
      best_.offer({scores[i] + f_.bias[waiting_[i]], waiting_[i]});
    }
    scored_ += static_cast<std::int64_t>(count_);
    count_ = 0;
    bar_ = static_cast<float>(best_.bar() - row_.shift - 2 * row_.rounding);
  }
  const Best<float>& best() const { return best_; }
  std::int64_t scored() const { return scored_; }
  bool given_up() const { return scored_ > most_scored_; }

 private:
  static constexpr std::size_t together = 8;

  void add(std::int64_t place) {
    if (place >= f_.C) return;
    const std::int64_t id = f_.codes->id(place);
    if (std::binary_search(f_.excluded + f_.excluded_offsets[number_],
                           f_.excluded + f_.excluded_offsets[number_ + 1], id)) {
      return;
    }
    waiting_[count_++] = id;
    if (count_ == together) finish();
  }

  const LinearTopK<float>& f_;
  std::int64_t number_;
  CodedRow row_;
  std::int64_t most_scored_;
  Best<float> best_;
  /// What an upper bound must reach: the k-th best score, as an estimate has it.
  float bar_ = -std::numeric_limits<float>::infinity();
  std::array<std::int64_t, together> waiting_{};
  std::size_t count_ = 0;
  std::int64_t scored_ = 0;
};

}  // namespace

std::vector<RowLeft<float>> coded_top_k(const LinearTopK<float>& f, std::int64_t* indices, float* values,
                                        std::int64_t& scored) {
  std::vector<RowLeft<float>> left;
  // All rows' candidates are held at once.
  constexpr std::int64_t most_k = 4096;
  if (f.codes == nullptr || !f.codes->sound() || f.k > std::min(f.C / 8, most_k)) {
    for (std::int64_t r = 0; r < f.n; ++r) left.push_back({r});
    return left;
  }
  const std::int64_t width = f.codes->padded_width(), tiles = f.codes->tiles();
  const Scratch<std::uint8_t> codes(f.n * width);
  std::vector<CodedRow> rows;
  std::vector<std::int64_t> numbers;
  for (std::int64_t r = 0; r < f.n; ++r) {
    CodedRow row;
    if (code_row(*f.codes, f.H, f.x + r * f.H, codes.data() + r * width, row)) {
      rows.push_back(row);
      numbers.push_back(r);
    } else {
      left.push_back({r});
    }
  }
  // Panels of rows, which share a pass over the codes, go to threads; where there are fewer, threads take
  // parts of the classes.
  constexpr std::int64_t panel_rows = 64;
  const std::int64_t n = std::ssize(rows), panels = (n + panel_rows - 1) / panel_rows;
  const std::int64_t threads = omp_get_max_threads();
  const std::int64_t parts = panels >= threads ? 1 : std::clamp<std::int64_t>(tiles / 8, 1, threads);
  // Few rows are not given up: reading all weights for them costs more.
  constexpr std::int64_t worth_a_product = 8;
  const std::int64_t most_scored =
      f.n < worth_a_product ? f.C : std::max<std::int64_t>(f.C / 64, 16 * f.k) / parts;
  std::vector<std::vector<Search>> searches(static_cast<std::size_t>(panels * parts));
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic) if (panels * parts > 1)
  for (std::int64_t task = 0; task < panels * parts; ++task) {
    errors.attempt([&] {
      auto& panel = searches[static_cast<std::size_t>(task)];
      const std::int64_t first = task / parts * panel_rows, part = task % parts;
      for (std::int64_t r = first; r < std::min(first + panel_rows, n); ++r) {
        const auto at = static_cast<std::size_t>(r);
        panel.emplace_back(f, numbers[at], rows[at], most_scored);
      }
      for (std::int64_t j = part; j < tiles; j += parts) {  // each part has some of the highest classes
        for (Search& search : panel) search.tile(j);
      }
      for (Search& search : panel) search.finish();
    });
  }
  errors.rethrow();
  for (std::int64_t r = 0; r < n; ++r) {
    Best<float> all(f.k);
    bool given_up = false;
    for (std::int64_t part = 0; part < parts; ++part) {
      const auto& panel = searches[static_cast<std::size_t>(r / panel_rows * parts + part)];
      const Search& search = panel[static_cast<std::size_t>(r % panel_rows)];
      for (const auto& candidate : search.best().candidates()) all.offer(candidate);
      scored += search.scored();
      given_up |= search.given_up();
    }
    const std::int64_t number = numbers[static_cast<std::size_t>(r)];
    if (given_up) {
      left.push_back({number, all.bar()});
    } else {
      all.write(indices + number * f.k, values + number * f.k);
    }
  }
  std::ranges::sort(left, {}, &RowLeft<float>::row);
  return left;
}

}  // namespace lrurec::ops::kernels
