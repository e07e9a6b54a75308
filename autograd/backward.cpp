// Reverse-mode differentiation: every Node is visited once, after all Nodes that use its outputs.

#include <array>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "autograd/node.h"
#include "tensor/error.h"

namespace lrurec {

namespace {

/// Threads that walk graphs of their own may meet in a leaf, such as a shared parameter.
std::mutex& leaf_mutex(const void* leaf) {
  static std::array<std::mutex, 64> mutexes;
  return mutexes[std::hash<const void*>{}(leaf) / 64 % mutexes.size()];
}

}  // namespace

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
    started_ = true;
    if (impl.requires_grad) add_to_leaf(output.impl_, grad);
    if (!impl.node) return;
    add_to_node(*impl.node, impl.output, grad);
    visit(impl.node);
  }

  void run() {
    if (!started_) {
      fail_op("backward",
              "there is nothing to walk: no output was recorded from a variable that requires a gradient "
              "(NoGrad, "
              "detach(), or requires_grad left out)");
    }
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) pass_on(**it, differentiate(**it));
    for (const auto& leaf : leaves_) {
      const std::lock_guard lock(leaf_mutex(leaf.get()));
      leaf->grad.own();
    }
  }

 private:
  /// The gradients of a node's inputs from those of its outputs, which are complete by now. Empty where none
  /// arrived, or where they have gone to a leaf already.
  Tensors differentiate(Node& node) {
    const auto found = gradients_.find(&node);
    if (found == gradients_.end()) return {};
    const Tensors of_outputs = totals(found->second);
    gradients_.erase(found);
    const Tensors of_inputs = add_rows(node, of_outputs[0]) ? Tensors{} : node.run(of_outputs);
    if (!keep_graph_) node.release();
    return of_inputs;
  }

  static bool add_rows(const Node& node, const Tensor& grad) {
    if (!node.adds_to_leaf()) return false;
    const std::lock_guard lock(leaf_mutex(node.edges()[0].leaf.get()));
    return node.add_to_leaf(grad);
  }

  static Tensors totals(const std::vector<GradientSum>& sums) {
    Tensors result;
    for (const auto& sum : sums) result.push_back(sum.total());
    return result;
  }

  /// Adds the gradients of a node's inputs to the leaves and nodes they came from.
  void pass_on(const Node& node, const Tensors& of_inputs) {
    for (std::size_t i = 0; i < of_inputs.size(); ++i) {
      const auto& edge = node.edges()[i];
      if (!of_inputs[i].defined()) continue;
      if (edge.leaf) add_to_leaf(edge.leaf, of_inputs[i]);
      if (edge.node) add_to_node(*edge.node, edge.output, of_inputs[i]);
    }
  }

  void add_to_leaf(const std::shared_ptr<Variable::Impl>& leaf, const Tensor& grad) {
    const std::lock_guard lock(leaf_mutex(leaf.get()));
    leaf->grad.add(grad);
    leaves_.insert(leaf);
  }

  void add_to_node(const Node& node, std::size_t output, const Tensor& grad) {
    auto& sums = gradients_[&node];
    sums.resize(node.outputs());
    sums[output].add(grad);
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

  bool keep_graph_, started_ = false;
  std::vector<std::shared_ptr<Node>> order_;
  std::unordered_set<const Node*> visited_;
  std::unordered_set<std::shared_ptr<Variable::Impl>> leaves_;           ///< that a gradient was added to
  std::unordered_map<const Node*, std::vector<GradientSum>> gradients_;  ///< of the outputs of each node
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
