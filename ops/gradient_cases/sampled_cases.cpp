#include "ops/elementwise/elementwise.h"
#include "ops/gradient_cases/cases.h"
#include "ops/sampled_cross_entropy/sampled_cross_entropy.h"

namespace lrurec::ops {

void add_sampled_cases(Cases& cases) {
  struct Case {
    std::string variant;
    Shape x;
    std::vector<std::int64_t> labels;
    std::vector<std::int64_t> negatives;
    Shape negatives_shape;
    SampledOptions options = {};
  };
  const SampledOptions corrected{-0.7, 0}, small_chunks{0, 2}, both{0.4, 1};
  // There are 7 classes. Negatives repeat, and some are the label of their token.
  const std::vector<std::int64_t> labels{0, 6, -1, 3, 3}, shared{5, 3, 0, 3, 1};
  const std::vector<std::int64_t> own{1, 2, 2, 6, 5, 6, 0, 1, 2, 3, 3, 3, 4, 5, 6};
  const std::vector<Case> variants{
      {"own negatives", {5, 3}, labels, own, {5, 3}},
      {"own negatives, corrected", {5, 3}, labels, own, {5, 3}, corrected},
      {"own negatives, all of them the label", {2, 3}, {3, 1}, {3, 3, 2, 1}, {2, 2}},
      {"own negatives, one token", {1, 3}, {4}, {0, 6}, {1, 2}},
      {"no negatives", {2, 3}, {4, -1}, {}, {2, 0}},
      {"shared", {5, 3}, labels, shared, {5}},
      {"shared, corrected", {5, 3}, labels, shared, {5}, corrected},
      {"shared, chunks of 2", {5, 3}, labels, shared, {5}, small_chunks},
      {"shared, chunks of 1, corrected", {5, 3}, labels, shared, {5}, both},
      {"shared, one token", {1, 3}, {4}, {4, 6}, {2}},
      {"shared, width 1", {3, 1}, {4, -1, 0}, {4, 6, 1}, {3}}};
  for (const auto& c : variants) {
    const Tensor label_ids = Tensor::from(c.labels), negatives = Tensor::from(c.negatives, c.negatives_shape);
    cases.push_back({"sampled_cross_entropy",
                     c.variant,
                     {{c.x}, {{7, c.x[1]}}, {{7}}},
                     [label_ids, negatives, options = c.options](const Variables& x) {
                       return Variables{
                           sampled_cross_entropy(x[0], x[1], x[2], label_ids, negatives, options) * 2.0};
                     },
                     false});
  }
}

}  // namespace lrurec::ops
