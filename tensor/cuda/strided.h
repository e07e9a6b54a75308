#pragma once
// Strided operands in a kernel: where element i of a row-major walk lies in each operand.

#include <cstdint>

#include "tensor/host_device.h"
#include "tensor/strided_loop.h"

namespace lrurec::cuda {

/// Where one element lies in N operands, in elements.
template <int N>
struct Offsets {
  std::int64_t at[N];
  LRUREC_HOST_DEVICE std::int64_t operator[](int k) const { return at[k]; }
};

/// A StridedLoop by value, small enough to be an argument of a kernel.
template <int N>
class Strided {
 public:
  explicit Strided(const StridedLoop<N>& loop) {
    const auto add = [this](std::int64_t size) { sizes_[rank_++] = size; };
    for (int d = 0; d < loop.outer.rank(); ++d) add(loop.outer[d]);
    add(loop.inner);
    for (int k = 0; k < N; ++k) {
      const auto operand = static_cast<std::size_t>(k);
      for (int d = 0; d + 1 < rank_; ++d) strides_[k][d] = loop.outer_strides[operand][d];
      strides_[k][rank_ - 1] = loop.inner_strides[operand];
    }
    for (int d = 0; d < rank_; ++d) count_ *= sizes_[d];
  }

  LRUREC_HOST_DEVICE std::int64_t count() const { return count_; }

  LRUREC_HOST_DEVICE Offsets<N> offsets(std::int64_t i) const {
    Offsets<N> result;
    for (int k = 0; k < N; ++k) result.at[k] = 0;
    // The outermost size needs no division: it is what is left.
    for (int d = rank_ - 1; d > 0; --d) {
      const std::int64_t rest = i / sizes_[d], inside = i - rest * sizes_[d];
      for (int k = 0; k < N; ++k) result.at[k] += inside * strides_[k][d];
      i = rest;
    }
    for (int k = 0; k < N; ++k) result.at[k] += i * strides_[k][0];
    return result;
  }

 private:
  int rank_ = 0;
  std::int64_t count_ = 1;
  std::int64_t sizes_[Shape::max_rank + 1] = {};
  std::int64_t strides_[N][Shape::max_rank + 1] = {};
};

}  // namespace lrurec::cuda
