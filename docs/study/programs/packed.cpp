// Three sequences of lengths 3, 1 and 5 in one batch, without padding.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ops/linear_scan/linear_scan.h"

using namespace lrurec;

int main() {
  const std::vector<double> items{1, 2, 3, /**/ 4, /**/ 5, 6, 7, 8, 9};
  const std::vector<std::int64_t> offsets{0, 3, 4, 9};
  const Tensor x = Tensor::from(items, {9, 1});  // [tokens, D] with D = 1
  const Tensor lambda = Tensor::from(std::vector<double>{0.5});

  // h_t = h_{t-1} / 2 + x_t, beginning anew at every offset
  const Tensor h = ops::raw::linear_scan(lambda, x, Tensor::from(offsets)).states;

  std::int64_t longest = 0;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t begin = offsets[s], end = offsets[s + 1], length = end - begin;
    const Tensor alone = ops::raw::linear_scan(lambda, x.slice(0, begin, end),
                                               Tensor::from(std::vector<std::int64_t>{0, length}))
                             .states;
    const auto states = h.slice(0, begin, end).to_vector<double>();
    fmt::print("sequence {}: rows {}..{}, h = {:<28} same bits as alone: {}\n", s, begin, end - 1,
               fmt::format("{:g}", fmt::join(states, " ")),
               states == alone.to_vector<double>() ? "yes" : "no");
    longest = std::max(longest, length);
  }
  fmt::print("rows computed: packed {}, padded to the longest {}\n", x.size(0), 3 * longest);
}
