#pragma once

#include <cstdint>
#include <string_view>

namespace lrurec::ops {

/// How a GPU computes linear_cross_entropy; the numbers are the same up to rounding. A CPU has one way.
enum class HeadAlgorithm {
  chunked,   ///< scores of some tokens stored at a time; products by cuBLAS
  two_pass,  ///< an online softmax over tiles, then the gradients of the weights: scores are never stored
};
constexpr std::string_view name(HeadAlgorithm algorithm) {
  return algorithm == HeadAlgorithm::two_pass ? "two-pass" : "chunked";
}

/// How, and with how many tokens at a time (0: chosen); see linear_cross_entropy.
struct HeadOptions {
  HeadAlgorithm algorithm = HeadAlgorithm::chunked;
  std::int64_t chunk = 0;
  friend bool operator==(const HeadOptions&, const HeadOptions&) = default;
};

}  // namespace lrurec::ops
