// Reverse-mode differentiation: every Node is visited once, after all Nodes that use its outputs.

#include <unordered_map>
#include <unordered_set>

#include "autograd/node.h"
#include "tensor/error.h"

namespace lrurec {

class Engine {
 public:
  explicit Engine(bool keep_graph) : keep_graph_(keep_graph) {}

  void seed(const Variable& output, const Tensor& grad) {
    if (!grad.defined() || !output.requires_grad()) return;
    if (grad.shape() != output.shape() || grad.dtype() != output.dtype()) {
      fail_op("backward", "gradient {} {} does not fit output {} {}", name(grad.dtype()), grad.shape().str(),
              name(output.dtype()), output.shape().str());
    }
    const auto& impl = *output.impl_;
    if (impl.requires_grad) accumulate(output.impl_->grad, grad, owned_leaf_grads_[output.impl_.get()]);
    if (!impl.node) return;
    add_to_node(impl.node.get(), impl.output, grad);
    visit(impl.node);
  }

  void run() {
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      Node& node = **it;
      const auto found = pending_.find(&node);
      if (found == pending_.end()) continue;  // reachable, but no gradient arrived
      if (Tensor* total = total_to_add_to(node); total != nullptr && found->second.grads[0].defined()) {
        node.add(found->second.grads[0], *total);
        pending_.erase(found);
        if (!keep_graph_) node.release();
        continue;
      }
      const Tensors grads = node.run(found->second.grads);
      pending_.erase(found);
      if (!keep_graph_) node.release();
      for (std::size_t i = 0; i < grads.size(); ++i) {
        const auto& edge = node.edges()[i];
        if (!grads[i].defined()) continue;
        if (edge.leaf) accumulate(edge.leaf->grad, grads[i], owned_leaf_grads_[edge.leaf.get()]);
        if (edge.node) add_to_node(edge.node.get(), edge.output, grads[i]);
      }
    }
  }

 private:
  struct Pending {
    Tensors grads;
    std::vector<bool> owned;
  };

  // The first gradient is taken as it is. It may share memory with another tensor, or be a broadcast, and
  // then the second one is added to a copy; otherwise, and from then on, in place.
  static void accumulate(Tensor& total, const Tensor& grad, std::vector<bool>::reference owned) {
    bool own = owned;
    accumulate(total, grad, own);
    owned = own;
  }
  static void accumulate(Tensor& total, const Tensor& grad, bool& owned) {
    if (!total.defined()) {
      total = grad;
      owned = false;
      return;
    }
    if (!owned && (total.shares_memory() || !total.is_contiguous())) total = total.clone();
    owned = true;
    total.add_(grad);
  }

  /// The gradient of the leaf that is the node's only input, where it may be added to in place.
  Tensor* total_to_add_to(const Node& node) {
    if (!node.can_add() || node.edges().size() != 1 || !node.edges()[0].leaf) return nullptr;
    Tensor& total = node.edges()[0].leaf->grad;
    const bool ours = total.defined() && total.is_contiguous() &&
                      (owned_leaf_grads_[node.edges()[0].leaf.get()] || !total.shares_memory());
    return ours ? &total : nullptr;
  }

  void add_to_node(const Node* node, std::size_t output, const Tensor& grad) {
    Pending& pending = pending_[node];
    pending.grads.resize(node->outputs());
    pending.owned.resize(node->outputs());
    accumulate(pending.grads[output], grad, pending.owned[output]);
  }

  // Depth-first post-order without recursion, so that long chains cannot overflow the stack.
  void visit(const std::shared_ptr<Node>& root) {
    std::vector<std::pair<std::shared_ptr<Node>, std::size_t>> stack;
    if (visited_.insert(root.get()).second) stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->edges().size()) {
        order_.push_back(node);
        stack.pop_back();
        continue;
      }
      const auto child = node->edges()[next++].node;
      if (child && visited_.insert(child.get()).second) stack.emplace_back(child, 0);
    }
  }

  bool keep_graph_;
  std::vector<std::shared_ptr<Node>> order_;
  std::unordered_set<const Node*> visited_;
  std::unordered_map<const Node*, Pending> pending_;
  std::unordered_map<const Variable::Impl*, bool> owned_leaf_grads_;
};

void backward(const Variables& outputs, const Tensors& grad_outputs, bool keep_graph) {
  if (outputs.size() != grad_outputs.size()) {
    fail_op("backward", "{} outputs and {} gradients", outputs.size(), grad_outputs.size());
  }
  const NoGrad no_grad;
  Engine engine(keep_graph);
  for (std::size_t i = 0; i < outputs.size(); ++i) engine.seed(outputs[i], grad_outputs[i]);
  engine.run();
}

}  // namespace lrurec
