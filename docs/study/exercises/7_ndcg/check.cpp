#include "docs/study/exercises/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "exercise.h"

namespace study {
namespace {

using Items = std::vector<std::size_t>;

struct Case {
  std::string what;
  std::vector<double> scores;
  std::size_t target;
  Items seen;
  std::size_t k;
  double expected;
};

// By hand: 1 / log2(2) = 1, 1 / log2(3) = 0.63093, 1 / log2(4) = 0.5, 1 / log2(6) = 0.38685.
const std::vector<Case> cases{
    {"the target has the best score: rank 1", {0.1, 0.9, 0.3}, 1, {}, 10, 1},
    {"one item is better: rank 2", {0.1, 0.9, 0.3}, 2, {}, 10, 0.6309297535714575},
    {"two items are better: rank 3", {0.1, 0.9, 0.3, -2}, 0, {}, 10, 0.5},
    {"rank 3 with k = 3", {0.1, 0.9, 0.3, -2}, 0, {}, 3, 0.5},
    {"rank 3 with k = 2", {0.1, 0.9, 0.3, -2}, 0, {}, 2, 0},
    {"rank 1 with k = 1", {0.1, 0.9, 0.3}, 1, {}, 1, 1},
    {"one equal score: rank 2", {0.5, 0.5, 0.1}, 0, {}, 10, 0.6309297535714575},
    {"one equal score after the target: rank 2", {0.1, 0.5, 0.5}, 1, {}, 10, 0.6309297535714575},
    {"twenty equal scores: rank 20", std::vector<double>(20, 0.25), 3, {}, 10, 0},
    {"a better item was seen: rank 1", {0.9, 0.5, 0.1}, 1, {0}, 10, 1},
    {"an equal and a better item were seen, one better was not: rank 2",
     {0.9, 0.5, 0.5, 0.7},
     1,
     {0, 2},
     10,
     0.6309297535714575},
    {"negative scores: rank 5", {-1, -2, -3, -4, -5, -6}, 4, {}, 10, 0.3868528072345416},
    {"a better item was seen twice: rank 2", {0.9, 0.5, 0.1, 0.7}, 1, {0, 0}, 10, 0.6309297535714575},
};

/// The right answer, and one deviation from it at a time.
struct Variant {
  double (*ties)(double equal) = [](double equal) { return equal; };  ///< what equal scores add to the rank
  bool without_seen = true;
  bool take_off_twice = false;  ///< whether an item that is in `seen` twice is subtracted twice
  double first = 1;             ///< the best rank
  bool (*within)(double rank, double k) = [](double rank, double k) { return rank <= k; };
  double (*gain)(double rank) = [](double rank) { return 1 / std::log2(rank + 1); };
};

double ndcg_by(const Variant& variant, const Case& c) {
  double above = 0, equal = 0;
  for (std::size_t item = 0; item < c.scores.size(); ++item) {
    if (item == c.target) continue;
    if (variant.without_seen && std::find(c.seen.begin(), c.seen.end(), item) != c.seen.end()) continue;
    above += c.scores[item] > c.scores[c.target] ? 1 : 0;
    equal += c.scores[item] == c.scores[c.target] ? 1 : 0;
  }
  for (std::size_t i = 0; variant.take_off_twice && i < c.seen.size(); ++i) {
    const auto at = c.seen.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(c.seen.begin(), at, *at) != at && c.scores[*at] >= c.scores[c.target]) --above;
  }
  const double rank = variant.first + above + variant.ties(equal);
  return variant.within(rank, static_cast<double>(c.k)) ? variant.gain(rank) : 0;
}

template <class Change>
Mistake mistake(const std::string& hint, Change change) {
  Variant variant;
  change(variant);
  Mistake result{hint, {}};
  for (const auto& c : cases) result.values.push_back(ndcg_by(variant, c));
  return result;
}

std::vector<Mistake> mistakes() {
  return {
      {"nothing fills the hole yet: the answer is -1 everywhere.", std::vector<double>(cases.size(), -1)},
      mistake("the logarithm has base e here (std::log); NDCG has base 2 (std::log2).",
              [](Variant& v) { v.gain = [](double rank) { return 1 / std::log(rank + 1); }; }),
      mistake("the logarithm has base 10 here; NDCG has base 2 (std::log2).",
              [](Variant& v) { v.gain = [](double rank) { return 1 / std::log10(rank + 1); }; }),
      mistake("1 / log2(rank) here: the + 1 is missing, and rank 1 divides by log2(1) = 0.",
              [](Variant& v) { v.gain = [](double rank) { return 1 / std::log2(rank); }; }),
      mistake("ranks count from 0 here: rank = 1 + the number of those above.",
              [](Variant& v) { v.first = 0; }),
      mistake("ranks count from 0 here: rank = 1 + the number of those above.",
              [](Variant& v) {
                v.first = 0;
                v.within = [](double rank, double k) { return rank < k; };
              }),
      mistake("the target counts itself among those at or above it: leave it out, or begin from rank 0.",
              [](Variant& v) { v.first = 2; }),
      mistake(
          "equal scores count for the target here (>): they must count against it (>=), or a constant model "
          "gets rank 1.",
          [](Variant& v) { v.ties = [](double) { return 0.0; }; }),
      mistake("equal scores count half here: all of them count against the target.",
              [](Variant& v) { v.ties = [](double equal) { return equal / 2; }; }),
      mistake("items in `seen` are ranked here: they are no candidates.",
              [](Variant& v) { v.without_seen = false; }),
      mistake("an item that is in `seen` twice is taken off twice here: it is one candidate less.",
              [](Variant& v) { v.take_off_twice = true; }),
      mistake("rank k is cut off here (<): it still counts (rank <= k).",
              [](Variant& v) { v.within = [](double rank, double k) { return rank < k; }; }),
      mistake("ranks beyond k count here: they give 0.",
              [](Variant& v) { v.within = [](double, double) { return true; }; }),
      mistake("this is MRR, 1 / rank: NDCG has 1 / log2(rank + 1).",
              [](Variant& v) { v.gain = [](double rank) { return 1 / rank; }; }),
      mistake("this is Recall, 1 for every hit: NDCG has 1 / log2(rank + 1).",
              [](Variant& v) { v.gain = [](double) { return 1.0; }; }),
  };
}

void check(Check& check) {
  std::vector<double> found;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    found.push_back(ndcg(c.scores, c.target, c.seen, c.k));
    check.near(c.what, fmt::format("case {}, k = {}", i, c.k), c.expected, found.back());
  }
  if (check.failures() > 0 && !check.recognise(found, mistakes())) {
    check.hint("print the rank that you found beside the one that the first failed case names.");
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(7, study::check); }
