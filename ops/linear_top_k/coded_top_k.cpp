// A class whose upper bound is below the k-th best exact score so far is not among the k best, and is passed
// over. The others are scored as they come, so the bar rises quickly. A row for which too many classes are
// scored is given up: one score by itself costs seventy times as much as in a product of many rows with all
// classes, so after a 64th of them the product is as cheap.

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

/// The search for the best of some classes for one row; `reached`: at least k other classes have that score.
class Search {
 public:
  Search(const LinearTopK<float>& f, std::int64_t number, const CodedRow& row, std::int64_t most_scored,
         float reached = -std::numeric_limits<float>::infinity())
      : f_(f), number_(number), row_(row), most_scored_(most_scored), best_(f.k), reached_(reached) {
    raise_bar();
  }

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
  /// Scores the classes that wait.
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
    raise_bar();
  }
  const Best<float>& best() const { return best_; }
  std::int64_t scored() const { return scored_; }
  bool given_up() const { return scored_ > most_scored_; }

 private:
  static constexpr std::size_t together = 8;

  void raise_bar() {
    bar_ = static_cast<float>(std::max(best_.bar(), reached_) - row_.shift - 2 * row_.rounding);
  }
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
  float reached_;
  /// What an upper bound must reach: the k-th best score, on the scale of the estimates.
  float bar_;
  std::array<std::int64_t, together> waiting_{};
  std::size_t count_ = 0;
  std::int64_t scored_ = 0;
};

/// The searches for some rows. Threads take panels of rows, which share a pass over the codes. Where there
/// are fewer panels than threads, threads take parts of the classes.
class Searches {
 public:
  Searches(const LinearTopK<float>& f, const std::vector<CodedRow>& rows,
           const std::vector<std::int64_t>& numbers)
      : f_(f), rows_(rows), numbers_(numbers) {
    const std::int64_t threads = omp_get_max_threads(), tiles = f.codes->tiles();
    panels_ = (std::ssize(rows) + panel_rows - 1) / panel_rows;
    parts_ = panels_ >= threads ? 1 : std::clamp<std::int64_t>(tiles / 8, 1, threads);
    // Few rows are never given up, since reading all weights for them costs more. Each part finds its own
    // best.
    constexpr std::int64_t worth_a_product = 8;
    most_scored_ = f.n < worth_a_product ? f.C : std::max<std::int64_t>(f.C / 64 / parts_, 16 * f.k);
    searches_.resize(static_cast<std::size_t>(panels_ * parts_));
    // All parts begin with the bar that the sample sets.
    const std::int64_t sample = std::min(ClassCodes::sample_tiles, tiles);
    reached_.assign(rows.size(), -std::numeric_limits<float>::infinity());
    for_all(1, [&](std::int64_t panel, std::int64_t) { look(panel, 0, 0, sample, 1); });
    for (std::size_t r = 0; r < rows.size(); ++r) {
      reached_[r] = of(static_cast<std::int64_t>(r), 0).best().bar();
    }
    for_all(parts_,
            [&](std::int64_t panel, std::int64_t part) { look(panel, part, sample + part, tiles, parts_); });
  }
  std::int64_t parts() const { return parts_; }
  const Search& of(std::int64_t row, std::int64_t part) const {
    return searches_[static_cast<std::size_t>(row / panel_rows * parts_ + part)]
                    [static_cast<std::size_t>(row % panel_rows)];
  }

 private:
  static constexpr std::int64_t panel_rows = 64;

  template <class F>
  void for_all(std::int64_t parts, F&& f) const {
    ParallelErrors errors;
#pragma omp parallel for schedule(dynamic) if (panels_ * parts > 1)
    for (std::int64_t task = 0; task < panels_ * parts; ++task) {
      errors.attempt([&] { f(task / parts, task % parts); });
    }
    errors.rethrow();
  }
  /// Scans a part's tiles first, first + every, ... below end.
  void look(std::int64_t panel, std::int64_t part, std::int64_t first, std::int64_t end, std::int64_t every) {
    auto& searches = searches_[static_cast<std::size_t>(panel * parts_ + part)];
    if (searches.empty()) {
      for (std::int64_t r = panel * panel_rows; r < std::min((panel + 1) * panel_rows, std::ssize(rows_));
           ++r) {
        const auto at = static_cast<std::size_t>(r);
        searches.emplace_back(f_, numbers_[at], rows_[at], most_scored_, reached_[at]);
      }
    }
    for (std::int64_t j = first; j < end; j += every) {
      for (Search& search : searches) search.tile(j);
    }
    for (Search& search : searches) search.finish();
  }

  const LinearTopK<float>& f_;
  const std::vector<CodedRow>& rows_;
  const std::vector<std::int64_t>& numbers_;
  std::int64_t panels_, parts_, most_scored_;
  std::vector<std::vector<Search>> searches_;  ///< of each part of each panel
  std::vector<float> reached_;                 ///< the k-th best score of each row's sample
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
  const std::int64_t width = f.codes->padded_width();
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
  const Searches searches(f, rows, numbers);
  for (std::int64_t r = 0; r < std::ssize(rows); ++r) {
    Best<float> all(f.k);
    bool given_up = false;
    for (std::int64_t part = 0; part < searches.parts(); ++part) {
      const Search& search = searches.of(r, part);
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
