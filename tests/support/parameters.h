#pragma once

#include "nn/module.h"
#include "ops/elementwise/elementwise.h"
#include "tests/support/tensors.h"

namespace lrurec::test {

/// Adds noise that is larger than initial values, so that every parameter matters. The LRU's are left as they
/// are: its eigenvalues must stay below 1.
inline void spread_parameters(nn::Module& module) {
  for (auto& p : module.named_parameters()) {
    if (p.name.find("lru") != std::string::npos) continue;
    const Tensor more = random_normal(p.variable.shape(), p.variable.dtype(), p.name.size());
    p.variable.set_value(
        ops::raw::add(p.variable.value(), ops::raw::mul(more, Tensor::full({1}, 0.3, more.dtype()))));
  }
}

}  // namespace lrurec::test
