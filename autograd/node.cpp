#include "autograd/node.h"

#include "tensor/error.h"

namespace lrurec {

Node::Node(std::string_view op, const Variables& inputs, std::size_t outputs, MultiBackward backward,
           AddInto add_into)
    : op_(op), outputs_(outputs), backward_(std::move(backward)), add_into_(std::move(add_into)) {
  for (const auto& input : inputs) {
    Edge edge;
    if (input.defined()) {
      edge.shape = input.shape();
      edge.dtype = input.dtype();
      edge.storage = input.value().storage();
      edge.node = input.impl_->node;
      edge.output = input.impl_->output;
      if (input.impl_->requires_grad) edge.leaf = input.impl_;
    }
    edges_.push_back(std::move(edge));
  }
  CopyWatch watch;
  const MultiBackward copy = backward_;
  const AddInto another = add_into_;
  saved_ = watch.take();
}

void Node::check_saved() const {
  for (const auto& [storage, version] : saved_) {
    if (storage->version() == version) continue;
    std::string what = "a value that its backward needs";
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      if (edges_[i].storage == storage) what = fmt::format("input {}", i);
    }
    fail_op(op_,
            "{} was changed in place after the forward pass (an optimiser's step, copy_, fill_, add_), so "
            "its gradient "
            "would be wrong; compute the loss again, or change a clone",
            what);
  }
}

// A chain of a million operations must not be freed by a million nested destructors.
Node::~Node() {
  std::vector<std::shared_ptr<Node>> pending;
  const auto take_edges = [&pending](Node& node) {
    for (auto& edge : node.edges_) {
      if (edge.node && edge.node.use_count() == 1) pending.push_back(std::move(edge.node));
    }
  };
  take_edges(*this);
  while (!pending.empty()) {
    const std::shared_ptr<Node> node = std::move(pending.back());
    pending.pop_back();
    take_edges(*node);
  }
}

void Node::attach(Variable& result, const std::shared_ptr<Node>& node, std::size_t output) {
  result.impl_->node = node;
  result.impl_->output = output;
}

bool Node::add_to_leaf(const Tensor& grad_output) const {
  if (!adds_to_leaf() || !grad_output.defined()) return false;
  check_saved();
  Tensor* total = edges_[0].leaf->grad.writable();
  if (total != nullptr) add_into_(grad_output, *total);
  return total != nullptr;
}

Tensors Node::run(const Tensors& grad_outputs) const {
  if (!backward_) {
    fail_op("backward",
            "the graph was already walked and freed at '{}'; compute the loss again, or keep_graph", op_);
  }
  check_saved();
  Needs needs;
  for (const auto& edge : edges_) needs.push_back(edge.needed());
  Tensors grads = backward_(grad_outputs, needs);
  if (grads.size() != edges_.size()) {
    fail_op(op_, "backward returned {} gradients for {} inputs", grads.size(), edges_.size());
  }
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Edge& edge = edges_[i];
    const Tensor& grad = grads[i];
    if (!edge.needed() || !grad.defined()) continue;
    if (grad.shape() != edge.shape || grad.dtype() != edge.dtype) {
      fail_op(op_, "backward gave {} {} for input {} of {} {}", name(grad.dtype()), grad.shape().str(), i,
              name(edge.dtype), edge.shape.str());
    }
  }
  return grads;
}

}  // namespace lrurec
