#pragma once

#include <algorithm>

#include "autograd/variable.h"
#include "tests/support/tensors.h"

namespace lrurec::test {

/// Values and all gradients of two functions of the same inputs, against the same random upstream gradients.
template <class F, class G>
double largest_difference(const Tensors& inputs, F&& one, G&& other) {
  const auto run = [&](auto&& function) {
    Variables leaves;
    for (const Tensor& x : inputs) leaves.emplace_back(x, /*requires_grad=*/true);
    const Variables outputs = function(leaves);
    Tensors seeds, all;
    for (const auto& y : outputs) {
      seeds.push_back(random_normal(y.shape(), y.dtype(), 7 + seeds.size()));
      all.push_back(y.value());
    }
    backward(outputs, seeds);
    for (const auto& leaf : leaves) all.push_back(leaf.grad());
    return all;
  };
  const Tensors a = run(one), b = run(other);
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, max_difference(a[i], b[i]));
  return largest;
}

}  // namespace lrurec::test
