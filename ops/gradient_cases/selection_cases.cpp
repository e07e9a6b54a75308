#include <cmath>

#include "ops/compare/compare.h"
#include "ops/elementwise/elementwise.h"
#include "ops/gather/gather.h"
#include "ops/gradient_cases/cases.h"
#include "ops/losses/losses.h"
#include "ops/shape/shape_ops.h"
#include "ops/where/where.h"

namespace lrurec::ops {
namespace {

/// A boolean mask of a shape, on the device of x: every third element, from the second on.
Tensor every_third(const Shape& shape, const Variable& x) {
  std::vector<bool> mask(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 1; i < mask.size(); i += 3) mask[i] = true;
  return Tensor::from(mask, shape).to(x.value().device());
}

Tensor places(const std::vector<std::int64_t>& index, const Shape& shape) {
  return Tensor::from(index, shape);
}

void choices(Cases& cases) {
  const auto add = [&](const std::string& variant, const Shape& mask, const InputSpec& a,
                       const InputSpec& b) {
    cases.push_back({"where", variant, {a, b}, [=](const Variables& x) {
                       return Variables{square(where(every_third(mask, x[0]), x[0], x[1]))};
                     }});
  };
  add("", {3, 4}, {{3, 4}}, {{3, 4}});
  add("all stretched", {2, 1, 1}, {{3, 1}}, {{4}});
  add("real or complex", {4}, {{3, 4}}, {{3, 1}, true});
  add("empty", {4}, {{0, 4}}, {{4}});
  cases.push_back({"where", "the larger one", {{{3, 4}}, {{4}}}, [](const Variables& x) {
                     return Variables{where(x[0] > x[1], x[0], x[1])};
                   }});
  cases.push_back({"where", "a number", {{{3, 4}}}, [](const Variables& x) {
                     return Variables{where(x[0] < 0, -1, square(x[0])), where(x[0] < 0, square(x[0]), 2)};
                   }});
  for (const bool z : {false, true}) {
    cases.push_back(
        {"where", z ? "masked_fill, complex" : "masked_fill", {{{3, 4}, z}}, [](const Variables& x) {
           return Variables{square(masked_fill(x[0], every_third({4}, x[0]), 2))};
         }});
  }
  cases.push_back({"clamp", "", {{{3, 5}, false, Values::distinct}}, [](const Variables& x) {
                     return Variables{square(clamp(x[0], -1, 2))};
                   }});
  cases.push_back({"clamp", "from below", {{{3, 5}, false, Values::distinct}}, [](const Variables& x) {
                     return Variables{square(clamp(x[0], 0, INFINITY))};
                   }});
}

void places_along_a_dimension(Cases& cases) {
  for (const bool z : {false, true}) {
    const std::string kind = z ? ", complex" : "";
    const auto gather_case = [&](const std::string& variant, const Shape& shape, int dim,
                                 const Tensor& index) {
      cases.push_back({"gather", variant + kind, {{shape, z}}, [=](const Variables& x) {
                         return Variables{square(gather(x[0], dim, index))};
                       }});
      cases.push_back(
          {"scatter_add", variant + kind, {{shape, z}, {index.shape(), z}}, [=](const Variables& x) {
             return Variables{square(scatter_add(x[0], dim, index, x[1]))};
           }});
    };
    gather_case("along the last", {3, 4}, -1, places({3, 0, 0, 1, 2, 1}, {3, 2}));
    gather_case("along the first, fewer columns", {3, 4}, 0, places({2, 0, 2, 2, 1, 0, 2, 2}, {4, 2}));
    gather_case("the middle of three", {2, 3, 2}, 1, places({2, 1, 0, 1}, {2, 1, 2}));
    gather_case("one dimension, often the same", {5}, 0, places(std::vector<std::int64_t>(40, 3), {40}));
    gather_case("no places", {3, 4}, 1, Tensor::empty({3, 0}, DType::i64));
    gather_case("no rows", {0, 4}, 1, Tensor::empty({0, 2}, DType::i64));
  }
}

void losses(Cases& cases) {
  cases.push_back({"mean", "in mse_loss", {{{3, 4}}, {{3, 4}}}, [](const Variables& x) {
                     return Variables{mse_loss(x[0], x[1])};
                   }});
  cases.push_back(
      {"softplus", "in binary_cross_entropy_with_logits", {{{3, 4}}, {{3, 4}}}, [](const Variables& x) {
         return Variables{binary_cross_entropy_with_logits(x[0], sigmoid(x[1]))};
       }});
}

}  // namespace

void add_selection_cases(Cases& cases) {
  choices(cases);
  places_along_a_dimension(cases);
  losses(cases);
}

}  // namespace lrurec::ops
