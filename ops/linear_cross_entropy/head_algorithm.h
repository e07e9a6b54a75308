#pragma once

#include <cstdint>
#include <string_view>

namespace lrurec::ops {

/// How a GPU computes linear_cross_entropy. Both ways give the same numbers up to rounding. A CPU has one
/// way.
enum class HeadAlgorithm {
  chunked,   ///< scores of some tokens stored at a time; products by cuBLAS
  two_pass,  ///< an online softmax over tiles, then the gradients of the weights: scores are never stored
};
constexpr std::string_view name(HeadAlgorithm algorithm) {
  return algorithm == HeadAlgorithm::two_pass ? "two-pass" : "chunked";
}

/// The arguments `algorithm` and `chunk_tokens` (0: chosen) of linear_cross_entropy.
struct HeadOptions {
  HeadAlgorithm algorithm = HeadAlgorithm::chunked;
  std::int64_t chunk = 0;
  friend bool operator==(const HeadOptions&, const HeadOptions&) = default;
};

}  // namespace lrurec::ops
