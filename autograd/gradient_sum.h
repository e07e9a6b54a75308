#pragma once
// The sum of the gradients that flow into one place.
//
// A value that several operations use gets a gradient from each, and their sum is its gradient. The first is
// kept as it is, without a copy. It may be memory that others see too, or a broadcast of a smaller tensor,
// and must not be written to then; so the second one is added to a copy. Later ones are added in place.

#include <utility>

#include "tensor/tensor.h"

namespace lrurec::gradient_sum {

/// Whether gradients may be added to this total in place.
inline bool may_write(const Tensor& total) {
  return total.defined() && !total.shares_memory() && total.is_contiguous();
}

/// total += gradient; an undefined total stands for nothing so far.
inline void add(Tensor& total, Tensor gradient) {
  if (!total.defined()) {
    total = std::move(gradient);
    return;
  }
  if (!may_write(total)) total = total.clone();
  total.add_(gradient);
}

/// Whether it keeps a block of memory of which it is less than half.
inline bool is_small_part(const Tensor& total) {
  const auto bytes = static_cast<std::size_t>(total.numel()) * size_of(total.dtype());
  return total.storage()->bytes() / 2 > bytes;
}

/// Of a leaf: what the user gets must be dense and memory of its own, whatever an operation handed on.
inline void own(Tensor& total) {
  if (total.defined() && (!may_write(total) || is_small_part(total))) total = total.clone();
}

}  // namespace lrurec::gradient_sum
