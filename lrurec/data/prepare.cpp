#include "lrurec/data/prepare.h"

#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "lrurec/data/fields.h"
#include "tensor/error.h"

namespace lrurec::data {

Filter Filter::parse(const std::string& text) {
  if (text == "none") return {Kind::none, 0};
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  std::int64_t least = 0;
  if (colon != std::string::npos && (kind == "once" || kind == "kcore")) {
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + colon + 1, last, least);
    if (error == std::errc{} && end == last && least >= 1) {
      return {kind == "once" ? Kind::once : Kind::kcore, least};
    }
  }
  fail(ErrorKind::usage, "--filter must be none, once:N or kcore:N, not '{}'", text);
}

std::string Filter::str() const {
  if (kind == Kind::none) return "none";
  return fmt::format("{}:{}", kind == Kind::once ? "once" : "kcore", least);
}

Ties parse_ties(const std::string& text) {
  for (const Ties ties : {Ties::file, Ties::hash, Ties::item_id}) {
    if (text == name(ties)) return ties;
  }
  fail(ErrorKind::usage, "--ties must be file, hash or item-id, not '{}'", text);
}

std::string_view name(Ties ties) {
  return ties == Ties::file ? "file" : ties == Ties::hash ? "hash" : "item-id";
}

SplitRule SplitRule::parse(const std::string& text) {
  if (text == "leave-last") return {};
  SplitRule rule{.by_time = true};
  if (text == "time") return rule;
  if (text.starts_with("time:")) {
    const char *at = text.data() + 5, *last = text.data() + text.size();
    const auto [comma, first_error] = std::from_chars(at, last, rule.validation_from);
    if (first_error == std::errc{} && comma != last && *comma == ',') {
      const auto [end, error] = std::from_chars(comma + 1, last, rule.test_from);
      const bool ordered =
          rule.validation_from > 0 && rule.test_from > rule.validation_from && rule.test_from < 1;
      if (error == std::errc{} && end == last && ordered) return rule;
    }
  }
  fail(ErrorKind::usage,
       "--split must be leave-last, time or time:A,B with shares 0 < A < B < 1 (time is time:0.8,0.9), not "
       "'{}'",
       text);
}

std::string SplitRule::str() const {
  return by_time ? fmt::format("time:{},{}", validation_from, test_from) : "leave-last-out";
}

namespace {

using Positions = std::vector<std::uint32_t>;  ///< positions in Interactions
using Numbers = std::vector<std::uint32_t>;

std::vector<std::int64_t> count(const Positions& rows, const Numbers& column, std::size_t size) {
  std::vector<std::int64_t> counts(size);
  for (const auto r : rows) ++counts[column[r]];
  return counts;
}

void keep_frequent(Positions& rows, const Numbers& column, std::size_t size, std::int64_t least) {
  const auto counts = count(rows, column, size);
  std::erase_if(rows, [&](std::uint32_t r) { return counts[column[r]] < least; });
}

Step describe(const std::string& what, const Positions& rows, const Interactions& all) {
  const auto present = [&](const Numbers& column, std::size_t size) {
    const auto counts = count(rows, column, size);
    return static_cast<std::int64_t>(
        std::count_if(counts.begin(), counts.end(), [](auto n) { return n > 0; }));
  };
  return {what, present(all.user, all.users.size()), present(all.item, all.items.size()),
          static_cast<std::int64_t>(rows.size())};
}

/// Whole numbers by value, then texts. Two ids compare in one way whatever others there are, so that what the
/// filter drops later does not change which rows were neighbours.
bool id_before(std::string_view a, std::string_view b) {
  const bool numbers = is_whole_number(a);
  if (numbers != is_whole_number(b)) return numbers;
  if (!numbers) return a < b;
  const auto trimmed = [](std::string_view text) {
    return text.substr(std::min(text.find_first_not_of('0'), text.size()));
  };
  // Without leading zeros the longer number is the larger one; "7" and "07" compare as texts.
  const auto x = trimmed(a), y = trimmed(b);
  if (x.size() != y.size()) return x.size() < y.size();
  return x != y ? x < y : a < b;
}

/// rank[i]: place of name i among all.
Numbers ranks(const StringTable& names) {
  Numbers order(names.size()), rank(names.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](auto a, auto b) { return id_before(names[a], names[b]); });
  for (std::uint32_t place = 0; place < order.size(); ++place) rank[order[place]] = place;
  return rank;
}

std::uint64_t tie_hash(const Interactions& all, std::uint32_t row) {
  const auto user = all.users[all.user[row]], item = all.items[all.item[row]];
  return XXH3_64bits_withSeed(item.data(), item.size(), XXH3_64bits(user.data(), user.size()));
}

/// Rows by user, and each user's by time and the rule for ties; without times as they stand in the file.
class RowOrder {
 public:
  RowOrder(const Interactions& all, Ties ties)
      : all_(all), ties_(ties), user_rank_(ranks(all.users)), item_rank_(ranks(all.items)) {}

  void sort(Positions& rows) const {
    const auto before = [this](std::uint32_t a, std::uint32_t b) { return comes_before(a, b); };
    if (!std::is_sorted(rows.begin(), rows.end(), before)) std::stable_sort(rows.begin(), rows.end(), before);
  }
  const Numbers& user_rank() const { return user_rank_; }
  const Numbers& item_rank() const { return item_rank_; }

 private:
  bool comes_before(std::uint32_t a, std::uint32_t b) const {
    const Interactions& all = all_;
    if (all.user[a] != all.user[b]) return user_rank_[all.user[a]] < user_rank_[all.user[b]];
    if (all.time.empty()) return false;
    if (all.time[a] != all.time[b]) return all.time[a] < all.time[b];
    if (ties_ == Ties::item_id) return item_rank_[all.item[a]] < item_rank_[all.item[b]];
    return ties_ == Ties::hash && tie_hash(all, a) < tie_hash(all, b);
  }

  const Interactions& all_;
  Ties ties_;
  Numbers user_rank_, item_rank_;
};

/// Drops rows with the user and item of the row before them; rows in order.
void drop_immediate_repeats(Positions& rows, const Interactions& all) {
  const auto same = [&](std::uint32_t a, std::uint32_t b) {
    return all.user[a] == all.user[b] && all.item[a] == all.item[b];
  };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
}

/// Dense numbers for the names that occur in rows, in the order of their ranks.
struct Dense {
  Numbers number;  ///< by old number; only meaningful where it occurs
  StringTable names;
};
Dense renumber(const Positions& rows, const Numbers& column, const StringTable& names, const Numbers& rank) {
  constexpr std::uint32_t absent = UINT32_MAX;
  Numbers by_rank(names.size(), absent);
  for (const auto r : rows) by_rank[rank[column[r]]] = column[r];
  Dense dense{Numbers(names.size(), absent), {}};
  for (const auto old : by_rank) {
    if (old == absent) continue;
    dense.number[old] = static_cast<std::uint32_t>(dense.names.size());
    dense.names.add(names[old]);
  }
  return dense;
}

/// Share of rows at the same time as another row of their user; rows in order.
double tied_share(const Positions& rows, const Interactions& all) {
  const auto same = [&](std::size_t i, std::size_t j) {
    return all.user[rows[i]] == all.user[rows[j]] && all.time[rows[i]] == all.time[rows[j]];
  };
  std::int64_t tied = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tied += (i > 0 && same(i, i - 1)) || (i + 1 < rows.size() && same(i, i + 1)) ? 1 : 0;
  }
  return static_cast<double>(tied) / static_cast<double>(rows.size());
}

/// How many rows repeat another's user, item and time, as exports that overlap do; rows in order.
std::int64_t repeated_rows(const Positions& rows, const Interactions& all) {
  std::int64_t repeated = 0;
  std::vector<std::uint32_t> items;
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    items.clear();
    for (end = begin; end < rows.size() && all.user[rows[end]] == all.user[rows[begin]] &&
                      all.time[rows[end]] == all.time[rows[begin]];
         ++end) {
      items.push_back(all.item[rows[end]]);
    }
    if (items.size() == 1) continue;
    std::sort(items.begin(), items.end());
    repeated += items.end() - std::unique(items.begin(), items.end());
  }
  return repeated;
}

/// The time before which this share of the rows lies.
Time time_at(const Positions& rows, const Interactions& all, double share) {
  std::vector<Time> times;
  times.reserve(rows.size());
  for (const auto r : rows) times.push_back(all.time[r]);
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size()));
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

/// rows: in order; offsets: of the users in them.
Cuts cut_by_time(const Positions& rows, const Interactions& all, const std::vector<std::int64_t>& offsets,
                 Time validation_from, Time test_from) {
  Cuts cuts;
  for (std::size_t u = 0; u + 1 < offsets.size(); ++u) {
    const auto first = rows.begin() + offsets[u], last = rows.begin() + offsets[u + 1];
    const auto place_of = [&](Time time) {
      return std::partition_point(first, last, [&](std::uint32_t r) { return all.time[r] < time; });
    };
    const auto validation = place_of(validation_from), test = place_of(test_from);
    cuts.train.push_back(static_cast<std::int32_t>(validation - first));
    // A user's very first item has no history. It has place 0, which stands for no target.
    cuts.validation.push_back(validation == test ? 0 : static_cast<std::int32_t>(validation - first));
    cuts.test.push_back(test == last ? 0 : static_cast<std::int32_t>(test - first));
  }
  return cuts;
}

bool any_target(const std::vector<std::int32_t>& places) {
  return std::any_of(places.begin(), places.end(), [](std::int32_t place) { return place > 0; });
}

}  // namespace

bool mostly_newest_first(const Interactions& rows) {
  std::vector<std::optional<Time>> last(rows.users.size());
  std::int64_t falling = 0, rising = 0;
  for (std::size_t r = 0; r < rows.time.size(); ++r) {
    auto& before = last[rows.user[r]];
    if (before) {
      falling += rows.time[r] < *before ? 1 : 0;
      rising += rows.time[r] > *before ? 1 : 0;
    }
    before = rows.time[r];
  }
  return falling > rising;
}

Dataset prepare(const Interactions& all, const Filter& filter, Ties ties, std::optional<double> min_rating,
                const SplitRule& split) {
  if (split.by_time && all.time.empty()) {
    fail(ErrorKind::usage, "{} has no times to split by; use --split leave-last", all.source);
  }
  Protocol protocol{all.source, all.format, filter.str(), std::string(name(ties)), "", split.str(), {}, {}};
  protocol.order = all.time.empty() ? "file order" : fmt::format("by time, ties by {}", name(ties));
  if (all.time.empty()) protocol.ties = "none (no timestamps)";

  Positions rows(all.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::string what_was_read = "read";
  if (!all.where.empty()) {
    what_was_read = fmt::format("read, {}", fmt::join(all.where, " and "));
    protocol.filter = fmt::format("only {}, {}", fmt::join(all.where, " and "), protocol.filter);
    protocol.facts["other_rows"] = static_cast<double>(all.unlike);
  }
  protocol.steps.push_back(describe(what_was_read, rows, all));
  if (min_rating) {
    const float highest = all.rating.empty() ? 0 : *std::max_element(all.rating.begin(), all.rating.end());
    const auto lowest = static_cast<float>(*min_rating);  // rounded as ratings are: 4.1 reaches 4.1
    if (highest < lowest) {
      fail(ErrorKind::data, "{}: no rating is {} or more, the highest is {}; choose another --min-rating",
           all.source, *min_rating, highest);
    }
    std::erase_if(rows, [&](std::uint32_t r) { return all.rating[r] < lowest; });
    const std::string what = fmt::format("rating below {}", *min_rating);
    protocol.steps.push_back(describe(what + " dropped", rows, all));
    protocol.filter = fmt::format("{}, no {}", protocol.filter, what);
  }
  const RowOrder order(all, ties);
  order.sort(rows);
  drop_immediate_repeats(rows, all);
  protocol.steps.push_back(describe("immediate repeats dropped", rows, all));
  if (filter.kind != Filter::Kind::none) {
    std::size_t rows_before = 0;
    do {
      rows_before = rows.size();
      keep_frequent(rows, all.item, all.items.size(), filter.least);
      keep_frequent(rows, all.user, all.users.size(), filter.least);
    } while (filter.kind == Filter::Kind::kcore && rows.size() != rows_before);
    protocol.steps.push_back(describe("filter " + filter.str(), rows, all));
  }
  if (rows.empty()) {
    fail(ErrorKind::data, "{}: the filter {} leaves nothing; try --filter none", all.source, filter.str());
  }

  if (!all.time.empty()) {
    protocol.facts["tied_share"] = tied_share(rows, all);
    if (const auto repeated = repeated_rows(rows, all); repeated > 0) {
      protocol.facts["repeated_rows"] = static_cast<double>(repeated);
    }
  }

  if (all.skipped > 0) protocol.facts["skipped_lines"] = static_cast<double>(all.skipped);

  Dense users = renumber(rows, all.user, all.users, order.user_rank()),
        items = renumber(rows, all.item, all.items, order.item_rank());
  std::vector<std::int64_t> offsets(users.names.size() + 1);
  std::vector<std::int32_t> ids;
  ids.reserve(rows.size());
  for (const auto r : rows) {
    ++offsets[users.number[all.user[r]] + 1];
    ids.push_back(static_cast<std::int32_t>(items.number[all.item[r]]) + 1);
  }
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  Cuts cuts;
  if (split.by_time) {
    const Time validation_from = time_at(rows, all, split.validation_from),
               test_from = time_at(rows, all, split.test_from);
    cuts = cut_by_time(rows, all, offsets, validation_from, test_from);
    protocol.facts["validation_from"] = static_cast<double>(validation_from);
    protocol.facts["test_from"] = static_cast<double>(test_from);
    if (!any_target(cuts.validation) || !any_target(cuts.test)) {
      fail(
          ErrorKind::data,
          "{}: after {} nobody has both a history and a {} target; choose other shares or --split leave-last",
          all.source, split.str(), any_target(cuts.validation) ? "test" : "validation");
    }
  }
  return Dataset(std::move(offsets), std::move(ids), std::move(users.names), std::move(items.names),
                 std::move(protocol), std::move(cuts));
}

}  // namespace lrurec::data
