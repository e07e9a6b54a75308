#pragma once
// The sum of the gradients that flow into one place.
//
// A value that several operations use gets a gradient from each, and their sum is its gradient. The first is
// kept as it is, without a copy. It must not be written to where others see its memory too, or where it is a
// broadcast of a smaller tensor. The second one is then added to a copy. Later ones are added in place.

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

/// Whether the total fills less than half of the block of memory that it keeps alive.
inline bool is_small_part(const Tensor& total) {
  const auto bytes = static_cast<std::size_t>(total.numel()) * size_of(total.dtype());
  return total.storage()->bytes() / 2 > bytes;
}

/// For the gradient of a leaf: the user gets dense memory of its own, whatever an operation returned.
inline void own(Tensor& total) {
  if (total.defined() && (!may_write(total) || is_small_part(total))) total = total.clone();
}

}  // namespace lrurec::gradient_sum
