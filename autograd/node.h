#pragma once
// What a Variable refers to. The operations between Variables are Nodes, in autograd/record.h.

#include <memory>
#include <vector>

#include "autograd/variable.h"

namespace lrurec {

/// What only leaves have.
struct Leaf {
  Tensor grad;
  std::vector<Variable::Hook> hooks;
  std::uint64_t walk = 0;  ///< number of the last walk that brought a gradient
};

struct Variable::Impl {
  Tensor value;
  std::shared_ptr<Node> node;  ///< the operation that made it; null for a leaf
  std::unique_ptr<Leaf> leaf;  ///< where it has a gradient of its own
  std::uint32_t output = 0;    ///< which of the node's outputs
  bool requires_grad = false;
};

}  // namespace lrurec
