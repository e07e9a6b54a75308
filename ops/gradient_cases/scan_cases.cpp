#include "ops/elementwise/elementwise.h"
#include "ops/gradient_cases/cases.h"
#include "ops/linear_scan/linear_scan.h"
#include "ops/lru/lru.h"
#include "ops/lru_coefficients/lru_coefficients.h"

namespace lrurec::ops {
namespace {

using Offsets = std::vector<std::int64_t>;

/// x, lambda, B, b, C, c and perhaps an initial state, for H inputs, D channels, O outputs.
void add_lru_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t H, std::int64_t D,
                       std::int64_t O, bool initial) {
    std::vector<InputSpec> inputs{{{offsets.back(), H}}, {{D}, true, Values::unit_disk},
                                  {{D, H}, true},        {{D}, true},
                                  {{O, D}, true},        {{O}}};
    if (initial) inputs.push_back({{std::ssize(offsets) - 1, D}, true});
    cases.push_back({"lru", variant, inputs,
                     [offsets](const Variables& x) {
                       const auto [y, final_state] =
                           lru(x[0], x[1], x[2], x[3], x[4], x[5], Tensor::from(offsets),
                               x.size() > 6 ? x[6] : Variable());
                       return Variables{y, final_state};
                     },
                     false});
  };
  add("one token", {0, 1}, 2, 3, 2, false);
  add("lengths 0, 3, 1, 0, 2, 0", {0, 0, 3, 4, 4, 6, 6}, 3, 2, 4, false);
  add("lengths 0, 3, 1, 0, 2, 0, initial state", {0, 0, 3, 4, 4, 6, 6}, 3, 2, 4, true);
  add("length 130: two tiles", {0, 130}, 2, 2, 1, true);
  add("several runs", {0, 100, 129, 131, 260, 270}, 1, 1, 1, true);
  add("no tokens", {0, 0}, 2, 2, 2, true);
  cases.push_back(
      {"lru",
       "final state alone",
       {{{5, 2}}, {{3}, true, Values::unit_disk}, {{3, 2}, true}, {{3}, true}, {{2, 3}, true}, {{2}}},
       [](const Variables& x) {
         return Variables{
             lru(x[0], x[1], x[2], x[3], x[4], x[5], Tensor::from(Offsets{0, 4, 5})).final_state};
       },
       false});
}

/// nu_log, theta_log, gamma_log, B, b for H inputs and D channels.
void add_lru_coefficients_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, std::int64_t H, std::int64_t D) {
    cases.push_back({"lru_coefficients",
                     variant,
                     {{{D}}, {{D}}, {{D}}, {{D, H}, true}, {{D}, true}},
                     [](const Variables& x) {
                       const auto [lambda, B, b] = lru_coefficients(x[0], x[1], x[2], x[3], x[4]);
                       return Variables{lambda, B, b};
                     },
                     false});
  };
  add("more channels than a block has warps", 3, 6);
  add("a row longer than a warp", 35, 1);
  add("no channels", 2, 0);
  cases.push_back({"lru_coefficients",
                   "|lambda| near 1 and near 0",
                   {{{3}}, {{3}}, {{3}}, {{3, 2}, true}, {{3}, true}},
                   [](const Variables& x) {
                     const Tensor shift = Tensor::from(std::vector<double>{-9, 0, 1.5});
                     const Variable nu_log =
                         x[0] + Variable(shift.to(x[0].dtype()).to(x[0].value().device()));
                     const auto [lambda, B, b] = lru_coefficients(nu_log, x[1], x[2], x[3], x[4]);
                     return Variables{lambda, B, b};
                   },
                   false});
  cases.push_back(
      {"lru_coefficients",
       "lambda alone",
       {{{3}}, {{3}}, {{3}}, {{3, 2}, true}, {{3}, true}},
       [](const Variables& x) { return Variables{lru_coefficients(x[0], x[1], x[2], x[3], x[4]).lambda}; },
       false});
}

}  // namespace

void add_scan_cases(Cases& cases) {
  add_lru_cases(cases);
  add_lru_coefficients_cases(cases);
  const auto add = [&](const std::string& variant, const Offsets& offsets, bool z, bool initial,
                       ScanAlgorithm algorithm, bool gated = false) {
    const auto tokens = offsets.back();
    const auto sequences = static_cast<std::int64_t>(offsets.size()) - 1;
    const Shape of_lambda = gated ? Shape{tokens, 3} : Shape{3};
    std::vector<InputSpec> inputs{{of_lambda, z, Values::unit_disk}, {{tokens, 3}, z}};
    if (initial) inputs.push_back({{sequences, 3}, z});
    cases.push_back({"linear_scan",
                     fmt::format("{}{}, {}{}{}", gated ? "gated, " : "", name(algorithm), variant,
                                 z ? ", complex" : "", initial ? ", initial state" : ""),
                     inputs, [offsets, algorithm](const Variables& x) {
                       const auto [states, final_state] = linear_scan(
                           x[0], x[1], Tensor::from(offsets), x.size() > 2 ? x[2] : Variable(), algorithm);
                       return Variables{states, final_state};
                     }});
  };
  for (const auto algorithm : {ScanAlgorithm::sequential, ScanAlgorithm::recursive, ScanAlgorithm::chunked}) {
    for (const bool z : {false, true}) {
      add("one token", {0, 1}, z, false, algorithm);
      add("lengths 5, 1, 0, 3", {0, 5, 6, 6, 9}, z, false, algorithm);
      add("lengths 5, 1, 0, 3", {0, 5, 6, 6, 9}, z, true, algorithm);
      add("one token", {0, 1}, z, true, algorithm, true);
      add("lengths 5, 1, 0, 3", {0, 5, 6, 6, 9}, z, false, algorithm, true);
      add("lengths 5, 1, 0, 3", {0, 5, 6, 6, 9}, z, true, algorithm, true);
    }
    add("length 70", {0, 70}, true, true, algorithm);
    add("length 70", {0, 70}, true, true, algorithm, true);
  }
  add("no tokens", {0, 0}, true, true, ScanAlgorithm::automatic);
  add("no tokens", {0, 0}, true, true, ScanAlgorithm::automatic, true);

  // Only the final state is used: its gradient alone must drive the reversed scan.
  cases.push_back({"linear_scan",
                   "final state alone",
                   {{{3}, true, Values::unit_disk}, {{6, 3}, true}},
                   [](const Variables& x) {
                     return Variables{linear_scan(x[0], x[1], Tensor::from(Offsets{0, 4, 6})).final_state};
                   }});
  cases.push_back(
      {"linear_scan", "gated, gates of zero", {{{6, 3}}, {{6, 3}}}, [](const Variables& x) {
         const Tensor open = Tensor::from(std::vector<double>{1, 1, 0, 1, 0, 1}, {6, 1});
         const Variable mask(open.to(x[0].dtype()).to(x[0].value().device()));
         const auto [h, final_state] = linear_scan(x[0] * mask, x[1], Tensor::from(Offsets{0, 4, 6}));
         return Variables{h, final_state};
       }});
}

}  // namespace lrurec::ops
