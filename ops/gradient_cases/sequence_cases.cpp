#include "ops/additive_attention/additive_attention.h"
#include "ops/attention/attention.h"
#include "ops/conv1d/conv1d.h"
#include "ops/diagonal_ssm/diagonal_ssm.h"
#include "ops/dplr_ssm/dplr_ssm.h"
#include "ops/fft/fft.h"
#include "ops/gradient_cases/cases.h"
#include "ops/gru/gru.h"
#include "ops/segments/segments.h"
#include "ops/shift/shift.h"
#include "ops/spectral_filter/spectral_filter.h"
#include "ops/wkv/wkv.h"

namespace lrurec::ops {
namespace {

using Offsets = std::vector<std::int64_t>;

void add_segment_cases(Cases& cases) {
  const Offsets offsets{0, 0, 3, 4, 4, 9, 9};
  for (const bool complex : {false, true}) {
    const std::string variant = complex ? "complex" : "lengths 0, 3, 1, 0, 5, 0";
    cases.push_back({"segment_sum", variant, {{{9, 2}, complex}}, [offsets](const Variables& x) {
                       return Variables{segment_sum(x[0], Tensor::from(offsets))};
                     }});
    cases.push_back({"segment_spread", variant, {{{6, 2}, complex}}, [offsets](const Variables& x) {
                       return Variables{segment_spread(x[0], Tensor::from(offsets))};
                     }});
  }
  cases.push_back({"segment_softmax", "lengths 0, 3, 1, 0, 5, 0", {{{9, 2}}}, [offsets](const Variables& x) {
                     return Variables{segment_softmax(x[0], Tensor::from(offsets))};
                   }});
  const auto none = [](auto f) {
    return [f](const Variables& x) { return Variables{f(x[0], Tensor::from(Offsets{0, 0}))}; };
  };
  cases.push_back({"segment_sum", "no tokens", {{{0, 2}}}, none([](const auto& x, const Tensor& at) {
                     return segment_sum(x, at);
                   })});
  cases.push_back({"segment_spread", "no tokens", {{{1, 2}}}, none([](const auto& x, const Tensor& at) {
                     return segment_spread(x, at);
                   })});
  cases.push_back({"segment_softmax", "no tokens", {{{0, 2}}}, none([](const auto& x, const Tensor& at) {
                     return segment_softmax(x, at);
                   })});
}

/// g, U, c and perhaps an initial state.
void add_gru_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t H, bool initial,
                       bool final_alone = false) {
    std::vector<InputSpec> inputs{{{offsets.back(), 3 * H}}, {{3 * H, H}}, {{H}}};
    if (initial) inputs.push_back({{std::ssize(offsets) - 1, H}});
    cases.push_back({"gru", variant, inputs,
                     [offsets, final_alone](const Variables& x) {
                       const auto [h, final_state] =
                           gru(x[0], x[1], x[2], Tensor::from(offsets), x.size() > 3 ? x[3] : Variable());
                       return final_alone ? Variables{final_state} : Variables{h, final_state};
                     },
                     false});
  };
  add("one token", {0, 1}, 2, false);
  add("lengths 0, 3, 1, 0, 4, 0", {0, 0, 3, 4, 4, 8, 8}, 3, false);
  add("lengths 0, 3, 1, 0, 4, 0, initial state", {0, 0, 3, 4, 4, 8, 8}, 3, true);
  add("wider than a warp", {0, 2, 3}, 35, true);
  Offsets many{0};
  for (std::int64_t s = 0; s < 40; ++s) many.push_back(many.back() + s % 3);
  add("two groups of sequences", many, 1, true);
  add("no tokens", {0, 0}, 2, true);
  add("final state alone", {0, 2, 5}, 2, false, true);
}

void add_attention_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t width,
                       const AttentionOptions& options) {
    const std::int64_t H = options.heads * width;
    cases.push_back({"attention",
                     variant,
                     {{{offsets.back(), 3 * H}}},
                     [offsets, options](const Variables& x) {
                       return Variables{attention(x[0], Tensor::from(offsets), options)};
                     },
                     false});
  };
  const Offsets some{0, 0, 3, 4, 4, 9, 9};
  add("one token", {0, 1}, 2, {});
  add("causal, lengths 0, 3, 1, 0, 5, 0", some, 3, {.heads = 2});
  add("whole sequences, lengths 0, 3, 1, 0, 5, 0", some, 3, {.heads = 2, .causal = false});
  add("dropout", some, 2, {.heads = 2, .dropout = 0.4, .key = {1, 2}});
  add("several tiles", {0, 70}, 1, {.dropout = 0.2, .key = {3, 4}});
  add("several tiles, whole sequence", {0, 2, 72}, 1, {.causal = false});
  add("heads wider than a warp", {0, 3}, 35, {});
  add("no tokens", {0, 0}, 2, {.heads = 2});
}

/// q, k, v, h.
void add_additive_attention_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t A, std::int64_t D) {
    cases.push_back({"additive_attention",
                     variant,
                     {{{offsets.back(), A}}, {{offsets.back(), A}}, {{A}}, {{offsets.back(), D}}},
                     [offsets](const Variables& x) {
                       return Variables{additive_attention(x[0], x[1], x[2], x[3], Tensor::from(offsets))};
                     },
                     false});
  };
  add("one token", {0, 1}, 2, 3);
  add("lengths 0, 3, 1, 0, 5, 0", {0, 0, 3, 4, 4, 9, 9}, 3, 2);
  add("wider than a warp", {0, 3}, 35, 34);
  add("longer than a warp", {0, 34}, 1, 1);
  add("no tokens", {0, 0}, 2, 2);
}

/// x, W.
void add_spectral_filter_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, std::int64_t S, std::int64_t L, std::int64_t C) {
    cases.push_back({"spectral_filter",
                     variant,
                     {{{S, L, C}}, {{L / 2 + 1, C}, true}},
                     [](const Variables& x) { return Variables{spectral_filter(x[0], x[1])}; },
                     false});
  };
  add("one place", 2, 1, 2);
  add("even length, odd channels", 2, 6, 3);
  add("odd length, even channels", 2, 7, 2);
  add("length 50", 1, 50, 1);
  add("no sequences", 0, 4, 2);
}

void add_shift_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, bool complex) {
    cases.push_back({"shift", variant, {{{offsets.back(), 2}, complex}}, [offsets](const Variables& x) {
                       return Variables{shift(x[0], Tensor::from(offsets))};
                     }});
  };
  for (const bool complex : {false, true}) {
    add(complex ? "complex" : "lengths 0, 3, 1, 0, 5, 0", {0, 0, 3, 4, 4, 9, 9}, complex);
  }
  add("no tokens", {0, 0}, false);
}

/// x, weight and perhaps a bias.
void add_conv1d_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t K, std::int64_t D,
                       bool bias) {
    std::vector<InputSpec> inputs{{{offsets.back(), D}}, {{K, D}}};
    if (bias) inputs.push_back({{D}});
    cases.push_back({"conv1d", variant, inputs, [offsets](const Variables& x) {
                       return Variables{
                           conv1d(x[0], x[1], Tensor::from(offsets), x.size() > 2 ? x[2] : Variable())};
                     }});
  };
  add("one token", {0, 1}, 4, 2, true);
  add("lengths 0, 3, 1, 0, 5, 0", {0, 0, 3, 4, 4, 9, 9}, 4, 3, true);
  add("no bias", {0, 0, 3, 4, 4, 9, 9}, 3, 2, false);
  add("one place", {0, 2, 5}, 1, 2, true);
  add("two chunks of rows", {0, 60, 130}, 4, 1, true);
  add("no tokens", {0, 0}, 2, 2, true);
}

/// x of n places, in rows.
void add_fft_cases(Cases& cases) {
  for (const std::int64_t n : {1, 2, 6, 7, 16, 30}) {
    for (const bool z : {false, true}) {
      const std::string variant = fmt::format("{} places{}", n, z ? ", complex" : "");
      cases.push_back(
          {"fft", variant, {{{2, n}, z}}, [](const Variables& x) { return Variables{fft(x[0])}; }});
      cases.push_back(
          {"ifft", variant, {{{2, n}, z}}, [](const Variables& x) { return Variables{ifft(x[0])}; }});
    }
    const std::string variant = fmt::format("{} places", n);
    cases.push_back(
        {"rfft", variant, {{{2, 3, n}}}, [](const Variables& x) { return Variables{rfft(x[0])}; }});
    cases.push_back({"irfft", variant, {{{2, n / 2 + 1}, true}}, [n](const Variables& x) {
                       return Variables{irfft(x[0], n)};
                     }});
  }
  cases.push_back(
      {"fft", "no rows", {{{0, 3}, true}}, [](const Variables& x) { return Variables{fft(x[0])}; }});
  cases.push_back({"rfft", "a vector", {{{5}}}, [](const Variables& x) { return Variables{rfft(x[0])}; }});
}

/// k, v, w, u.
void add_wkv_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t H) {
    const std::int64_t n = offsets.back();
    cases.push_back({"wkv",
                     variant,
                     {{{n, H}}, {{n, H}}, {{H}}, {{H}}},
                     [offsets](const Variables& x) {
                       return Variables{wkv(x[0], x[1], x[2], x[3], Tensor::from(offsets))};
                     },
                     false});
  };
  add("one token", {0, 1}, 2);
  add("lengths 0, 3, 1, 0, 5, 0", {0, 0, 3, 4, 4, 9, 9}, 3);
  add("wider than a vector", {0, 4, 6}, 19);
  add("no tokens", {0, 0}, 2);
}

/// u, lambda, c.
void add_diagonal_ssm_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t H, std::int64_t N) {
    cases.push_back({"diagonal_ssm",
                     variant,
                     {{{offsets.back(), H}}, {{H, N}, true}, {{H, N}, true}},
                     [offsets](const Variables& x) {
                       return Variables{diagonal_ssm(x[0], x[1], x[2], Tensor::from(offsets))};
                     },
                     false});
  };
  add("one token", {0, 1}, 2, 3);
  add("lengths 0, 3, 1, 0, 5, 0", {0, 0, 3, 4, 4, 9, 9}, 2, 5);
  add("more channels than a vector, more states than a warp", {0, 2, 4}, 3, 34);
  add("no tokens", {0, 0}, 2, 2);
}

/// u, a, e, f, b, c.
void add_dplr_ssm_cases(Cases& cases) {
  const auto add = [&](const std::string& variant, const Offsets& offsets, std::int64_t H, std::int64_t N) {
    const InputSpec matrix{{H, N}, true};
    cases.push_back(
        {"dplr_ssm",
         variant,
         {{{offsets.back(), H}}, matrix, matrix, matrix, matrix, matrix},
         [offsets](const Variables& x) {
           return Variables{dplr_ssm(x[0], {x[1], x[2], x[3], x[4], x[5]}, Tensor::from(offsets))};
         },
         false});
  };
  add("one token", {0, 1}, 2, 3);
  add("lengths 0, 3, 1, 0, 5, 0", {0, 0, 3, 4, 4, 9, 9}, 2, 3);
  add("more channels than a vector, more states than a warp", {0, 2, 4}, 3, 34);
  add("no tokens", {0, 0}, 2, 2);
}

}  // namespace

void add_sequence_cases(Cases& cases) {
  add_segment_cases(cases);
  add_gru_cases(cases);
  add_attention_cases(cases);
  add_additive_attention_cases(cases);
  add_spectral_filter_cases(cases);
  add_shift_cases(cases);
  add_conv1d_cases(cases);
  add_fft_cases(cases);
  add_wkv_cases(cases);
  add_diagonal_ssm_cases(cases);
  add_dplr_ssm_cases(cases);
}

}  // namespace lrurec::ops
