// Reverse-mode differentiation: every Node is visited once, after all Nodes that use its outputs.

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "autograd/anomaly.h"
#include "autograd/gradient_sum.h"
#include "autograd/node.h"
#include "tensor/error.h"

namespace lrurec {

namespace {

/// A lock for a leaf: threads that walk graphs of their own may meet in one, such as a shared parameter.
std::mutex& leaf_mutex(const void* leaf) {
  static std::array<std::mutex, 64> mutexes;
  return mutexes[std::hash<const void*>{}(leaf) / 64 % mutexes.size()];
}

}  // namespace

class Engine {
 public:
  Engine(Variables outputs, bool keep_graph)
      : outputs_(std::move(outputs)),
        keep_graph_(keep_graph),
        walk_(++walks),
        anomaly_(DetectAnomaly::current()) {}
  ~Engine() {
    for (Node* node : entered_) node->walk_ = 0;
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void seed(const Tensors& grads) {
    for (std::size_t i = 0; i < outputs_.size(); ++i) seed(outputs_[i], grads[i]);
  }

  void run() {
    if (!started_) {
      fail_op("backward",
              "there is nothing to walk: no output was recorded from a variable that requires a gradient "
              "(NoGrad, "
              "detach(), or requires_grad left out)");
    }
    try {
      walk();
    } catch (...) {
      own_leaves();
      throw;
    }
    own_leaves();
  }

 private:
  void seed(const Variable& output, const Tensor& grad) {
    if (!grad.defined() || !output.requires_grad()) return;
    if (grad.shape() != output.shape() || grad.dtype() != output.dtype()) {
      fail_op("backward", "gradient {} {} does not fit output {} {}", name(grad.dtype()), grad.shape().str(),
              name(output.dtype()), output.shape().str());
    }
    started_ = true;
    auto& impl = *output.impl_;
    if (impl.node) {
      visit(impl.node.get());
      gradient_sum::add(total_of(*impl.node, impl.output), grad);
    } else {
      add_to_leaf(impl, grad);
    }
  }

  void walk() {
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) pass_on(**it, differentiate(**it));
    for (auto& [leaf, grad] : hooked_) {
      Tensor hooked = call_hooks(leaf->leaf->hooks, std::move(grad));
      const std::lock_guard lock(leaf_mutex(leaf));
      add_to_grad(*leaf, std::move(hooked));
    }
  }
  void own_leaves() {
    for (Variable::Impl* leaf : leaves_) {
      const std::lock_guard lock(leaf_mutex(leaf));
      gradient_sum::own(leaf->leaf->grad);
    }
  }

  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
  static inline std::atomic<std::uint64_t> walks = 0;

  /// The gradients of a node's inputs from those of its outputs, which are complete by now. Empty where none
  /// arrived, or where they were added in place.
  Tensors differentiate(Node& node) {
    if (node.slot_ == no_slot) return {};
    if (node.has_hooks()) call_hooks(node);
    const std::uint32_t slot = node.slot_;
    Tensors of_inputs;
    if (!add_in_place(node, totals_[slot][0])) {
      of_inputs = node.run(totals_[slot]);
      if (anomaly_ != nullptr) check_finite(node, totals_[slot], of_inputs);
    }
    for (auto& total : totals_[slot]) total = Tensor();
    free_.push_back(slot);
    if (!keep_graph_) node.release();
    return of_inputs;
  }

  /// Adds to a gradient that is there already, where the operation can (AddInto) and the memory may be
  /// written to. False where it did not.
  bool add_in_place(const Node& node, const Tensor& grad) {
    if (!node.adds() || !grad.defined() || anomaly_ != nullptr) return false;
    const auto& edge = node.edges()[0];
    if (Node* from = edge.node()) {
      if (from->slot_ == no_slot) return false;
      Tensor& total = totals_[from->slot_][edge.output()];
      if (!gradient_sum::may_write(total)) return false;
      node.add_to(grad, total);
      return true;
    }
    auto& leaf = *edge.leaf();
    if (!leaf.leaf->hooks.empty()) return false;
    const std::lock_guard lock(leaf_mutex(&leaf));
    if (!gradient_sum::may_write(leaf.leaf->grad)) return false;
    node.add_to(grad, leaf.leaf->grad);
    return true;
  }

  /// Adds the gradients of a node's inputs to the leaves and nodes they came from.
  void pass_on(const Node& node, Tensors of_inputs) {
    for (std::size_t i = 0; i < of_inputs.size(); ++i) {
      const auto& edge = node.edges()[i];
      if (!of_inputs[i].defined() || !edge.needed()) continue;
      if (Node* from = edge.node()) {
        gradient_sum::add(total_of(*from, edge.output()), std::move(of_inputs[i]));
      } else {
        add_to_leaf(*edge.leaf(), std::move(of_inputs[i]));
      }
    }
  }

  void add_to_leaf(Variable::Impl& leaf, Tensor grad) {
    if (!leaf.leaf->hooks.empty()) {
      const auto found =
          std::find_if(hooked_.begin(), hooked_.end(), [&](const auto& h) { return h.first == &leaf; });
      Tensor& total = found != hooked_.end() ? found->second : hooked_.emplace_back(&leaf, Tensor()).second;
      gradient_sum::add(total, std::move(grad));
      return;
    }
    const std::lock_guard lock(leaf_mutex(&leaf));
    add_to_grad(leaf, std::move(grad));
  }

  void add_to_grad(Variable::Impl& leaf, Tensor grad) {
    gradient_sum::add(leaf.leaf->grad, std::move(grad));
    // Another thread's walk may come between; then the leaf is listed twice, which does no harm.
    if (std::exchange(leaf.leaf->walk, walk_) != walk_) leaves_.push_back(&leaf);
  }

  /// The sum of the gradients of one output of a node.
  Tensor& total_of(Node& node, std::size_t output) {
    if (node.slot_ == no_slot) {
      if (free_.empty()) {
        node.slot_ = static_cast<std::uint32_t>(totals_.size());
        totals_.emplace_back();
      } else {
        node.slot_ = free_.back();
        free_.pop_back();
      }
      totals_[node.slot_].resize(node.outputs());
    }
    return totals_[node.slot_][output];
  }

  static Tensor call_hooks(const std::vector<Variable::Hook>& hooks, Tensor grad) {
    for (std::size_t i = 0; i < hooks.size(); ++i) {
      const Variable::Hook hook = hooks[i];  // which may register another
      const Tensor replaced = hook(grad);
      if (!replaced.defined()) continue;
      if (replaced.shape() != grad.shape() || replaced.dtype() != grad.dtype()) {
        fail_op("register_hook", "a hook gave {} {} for a gradient {} {}", name(replaced.dtype()),
                replaced.shape().str(), name(grad.dtype()), grad.shape().str());
      }
      grad = replaced;
    }
    return grad;
  }

  void call_hooks(const Node& node) {
    Tensors& totals = totals_[node.slot_];
    for (std::size_t i = 0; i < totals.size(); ++i) {
      if (totals[i].defined()) totals[i] = call_hooks(node.hooks(i), totals[i]);
    }
  }

  void check_finite(const Node& node, const Tensors& of_outputs, const Tensors& of_inputs) const {
    for (std::size_t i = 0; i < of_inputs.size(); ++i) {
      if (!node.edges()[i].needed()) continue;
      const std::string found = describe_non_finite(of_inputs[i]);
      if (found.empty()) continue;
      std::string given = "finite";
      for (const auto& grad : of_outputs) {
        if (const std::string in = describe_non_finite(grad); !in.empty()) given = "not finite: " + in;
      }
      const std::string& first = anomaly_->forward();
      fail(ErrorKind::non_finite,
           "[{}] its backward made the gradient of input {}, {}{}, not finite: {}. The gradient that it was "
           "given was "
           "{}. {}",
           node.op(), i, name(of_inputs[i].dtype()), of_inputs[i].shape().str(), found, given,
           first.empty() ? "Every output of the forward pass was finite."
                         : "In the forward pass, the first to make such a number was " + first + ".");
    }
  }

  // Depth-first post-order without recursion, so that long chains cannot overflow the stack.
  void visit(Node* root) {
    std::vector<std::pair<Node*, std::size_t>> stack;
    const auto enter = [&](Node* node) {
      if (node->walk_ == walk_) return;
      if (node->walk_ != 0) {
        fail_op("backward",
                "another walk is under way in this graph, at '{}': of a hook, or of another thread",
                node->op());
      }
      entered_.push_back(node);
      node->walk_ = walk_;
      node->slot_ = no_slot;
      stack.emplace_back(node, 0);
    };
    enter(root);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->edges().size()) {
        order_.push_back(node);
        stack.pop_back();
        continue;
      }
      Node* child = node->edges()[next++].node();
      if (child != nullptr) enter(child);
    }
  }

  Variables outputs_;  ///< a hook may empty the caller's list
  bool keep_graph_, started_ = false;
  std::uint64_t walk_;  ///< the number of this walk, by which nodes know it
  DetectAnomaly* anomaly_;
  std::vector<Node*> entered_;                              ///< nodes marked as part of this walk
  std::vector<Node*> order_;                                ///< kept alive by outputs_
  std::vector<Variable::Impl*> leaves_;                     ///< leaves that got a gradient
  std::vector<std::pair<Variable::Impl*, Tensor>> hooked_;  ///< gradients of leaves that have hooks
  std::vector<Tensors> totals_;                             ///< gradients of the outputs of nodes, by slot
  std::vector<std::uint32_t> free_;                         ///< slots of nodes that are done
};

void backward(const Variables& outputs, const Tensors& grad_outputs, bool keep_graph) {
  if (outputs.size() != grad_outputs.size()) {
    fail_op("backward", "{} outputs and {} gradients", outputs.size(), grad_outputs.size());
  }
  Engine engine(outputs, keep_graph);
  engine.seed(grad_outputs);
  engine.run();
}

}  // namespace lrurec
