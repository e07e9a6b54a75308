#pragma once
// IndexTensor: ids, labels and boundaries of sequences, with what the CPU knows of them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lrurec {

/// Boundaries of packed sequences of these lengths, as operations take them: 0, then the running sums, i64
/// [S + 1].
inline Tensor offsets_of_lengths(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> offsets{0};
  for (const std::int64_t length : lengths) offsets.push_back(offsets.back() + length);
  return Tensor::from(offsets);
}

/// Boundaries of n sequences of one token each, for a step: 0 .. n, i64 [n + 1].
inline Tensor offsets_of_steps(std::int64_t n) {
  return offsets_of_lengths(std::vector<std::int64_t>(static_cast<std::size_t>(n), 1));
}

/// A tensor of i64 that operations index with. Operations check the numbers first, and to look at numbers on
/// a GPU they would have to wait for it. So an IndexTensor that was sent to a GPU keeps a copy on the CPU,
/// and one that a GPU made may carry the range of its numbers.
///
/// A plain Tensor converts (one of i32 by a copy). Then nothing is known of it, and on a GPU the check does
/// wait. Any other dtype is an error of the operation that takes it. The elements must not change afterwards.
class IndexTensor {
 public:
  IndexTensor() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): any Tensor of ids will do where indices are asked for.
  IndexTensor(const Tensor& values)
      : values_(values.dtype() == DType::i32 ? values.to(DType::i64) : values) {}

  /// Values that the caller promises to be within least..most; they are not checked.
  static IndexTensor made_within(const Tensor& values, std::int64_t least, std::int64_t most) {
    IndexTensor made(values);
    made.range_ = Range{least, most};
    return made;
  }

  bool defined() const { return values_.defined(); }
  const Tensor& values() const { return values_; }
  DType dtype() const { return values_.dtype(); }
  const Shape& shape() const { return values_.shape(); }
  int rank() const { return values_.rank(); }
  std::int64_t size(int dim) const { return values_.size(dim); }
  std::int64_t numel() const { return values_.numel(); }
  Device device() const { return values_.device(); }

  /// The same on a device, dense, with what is known of it.
  IndexTensor to(Device device) const {
    IndexTensor there(values_.to(device).contiguous());
    there.range_ = range_;
    if (device.is_cuda()) there.host_ = values_.device().is_cuda() ? host_ : values_.contiguous().clone();
    return there;
  }

  /// Dense, on the CPU; waits for a GPU unless known_on_host().
  Tensor host() const { return (host_.defined() ? host_ : values_.host()).contiguous(); }
  bool known_on_host() const { return !values_.device().is_cuda() || host_.defined(); }

  /// Whether all elements are known, without a look at them, to be in least..most.
  bool made_in(std::int64_t least, std::int64_t most) const {
    return range_.has_value() && range_->least >= least && range_->most <= most;
  }

 private:
  struct Range {
    std::int64_t least, most;
  };
  Tensor values_;
  Tensor host_;  ///< the values on the CPU, where they came from there
  std::optional<Range> range_;
};

/// Type and shape, for errors.
inline std::string describe(const IndexTensor& tensor) { return describe(tensor.values()); }

}  // namespace lrurec
