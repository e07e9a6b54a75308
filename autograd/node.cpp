#include "autograd/node.h"

#include <algorithm>

#include "autograd/anomaly.h"
#include "tensor/error.h"

namespace lrurec {

namespace detail {
const std::string& remember_operation(std::string_view op);
}

Node::Edge::Edge(const Variable& input) {
  if (!input.requires_grad()) return;
  const auto& impl = input.impl_;
  is_leaf_ = impl->node == nullptr;
  output_ = impl->output;
  if (is_leaf_) {
    place_ = impl;
  } else {
    place_ = impl->node;
  }
}

const Shape& Node::Edge::shape() const {
  return is_leaf_ ? leaf()->value.shape() : node()->output(output_).shape;
}

DType Node::Edge::dtype() const { return is_leaf_ ? leaf()->value.dtype() : node()->output(output_).dtype; }

Node::Node(std::string_view op, const Inputs& inputs)
    : op_(&detail::remember_operation(op)), input_count_(static_cast<std::uint32_t>(inputs.size())) {
  if (inputs.size() > first_edges_.size()) all_edges_ = std::make_unique<Edge[]>(inputs.size());
  std::transform(inputs.begin(), inputs.end(), own_edges().begin(),
                 [](const Variable& v) { return Edge(v); });
}

std::span<Node::Edge> Node::own_edges() {
  return {all_edges_ ? all_edges_.get() : first_edges_.data(), input_count_};
}

Node::Rare& Node::rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

void Node::set_saved(const CopyWatch& watch, std::span<CopyWatch::Seen> place, const Inputs& inputs) {
  if (watch.saw_variable()) {
    fail_op(op(),
            "its backward holds a Variable, which would keep the graph alive and hide changes in place; let "
            "it hold the value: [x = x.value()]");
  }
  saved_ = place.data();
  saved_count_ = static_cast<std::uint32_t>(watch.count());
  if (!watch.more().empty()) {
    auto& all = rare().saved;
    all.assign(place.begin(), place.end());
    all.insert(all.end(), watch.more().begin(), watch.more().end());
    saved_ = all.data();
    saved_count_ = static_cast<std::uint32_t>(all.size());
  }
  for (auto& seen : std::span(saved_, saved_count_)) {
    std::int32_t i = 0;
    for (const auto& input : inputs) {
      if (input.defined() && input.value().storage() == seen.storage) seen.input = i;
      ++i;
    }
  }
}

void Node::check_saved() const {
  for (const auto& seen : std::span(saved_, saved_count_)) {
    if (seen.storage->version() == seen.version) continue;
    fail_op(
        op(),
        "{} was changed in place after the forward pass (an optimiser's step, copy_, fill_, add_), so its "
        "gradient would be wrong; compute the loss again, or change a clone",
        seen.input < 0 ? "a value that its backward needs" : fmt::format("input {}", seen.input));
  }
}

void Node::check_alive() const {
  if (released_) {
    fail_op("backward",
            "the graph was already walked and freed at '{}'; compute the loss again, or keep_graph", op());
  }
}

// A chain of a million operations must not be freed by a million nested destructors.
Node::~Node() {
  std::vector<std::shared_ptr<void>> pending;
  const auto take_edges = [&pending](Node& node) {
    for (auto& edge : node.own_edges()) {
      if (edge.node() != nullptr && edge.place_.use_count() == 1) pending.push_back(std::move(edge.place_));
    }
  };
  take_edges(*this);
  while (!pending.empty()) {
    const std::shared_ptr<void> node = std::move(pending.back());
    pending.pop_back();
    take_edges(*static_cast<Node*>(node.get()));
  }
}

namespace {

std::string list_of(const auto& values) {
  std::string text;
  for (const Tensor& t : values) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{}{}", name(t.dtype()), t.shape().str());
  }
  return text;
}

/// For DetectAnomaly: notes the first operation that makes a NaN or infinity from finite inputs.
void look_at_forward(DetectAnomaly& anomaly, const std::string& op, const Variable* results,
                     std::size_t count, const Inputs& inputs) {
  if (!anomaly.forward().empty()) return;
  Tensors in;
  for (const auto& input : inputs) {
    if (input.defined()) in.push_back(input.value());
  }
  if (std::any_of(in.begin(), in.end(), [](const Tensor& t) { return !describe_non_finite(t).empty(); }))
    return;
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor& out = results[i].value();
    const std::string found = describe_non_finite(out);
    if (found.empty()) continue;
    anomaly.note_forward(fmt::format("{}: {} of {}, {}", op, list_of(Tensors{out}), list_of(in), found));
    return;
  }
}

}  // namespace

void Node::attach(Variable* results, std::size_t count, const std::shared_ptr<Node>& node,
                  const Inputs& inputs) {
  node->output_count_ = static_cast<std::uint32_t>(count);
  if (count > 1) node->rare().more_outputs.resize(count - 1);
  for (std::size_t i = 0; i < count; ++i) {
    auto& impl = *results[i].impl_;
    (i == 0 ? node->first_output_ : node->rare().more_outputs[i - 1]) = {impl.value.shape(),
                                                                         impl.value.dtype()};
    if (!is_inexact(impl.value.dtype())) continue;
    impl.node = node;
    impl.output = static_cast<std::uint32_t>(i);
  }
  if (DetectAnomaly* anomaly = DetectAnomaly::current()) {
    look_at_forward(*anomaly, node->op(), results, count, inputs);
  }
}

void Node::add_hook(std::size_t output, Variable::Hook hook) {
  rare().hooks.resize(outputs());
  rare().hooks[output].push_back(std::move(hook));
}

namespace {

/// Runs a backward function: it records nothing, and its errors name the operation. (Hooks run outside of
/// this, since they belong to the user and may record.)
template <class F>
void in_backward(const std::string& op, F&& f) {
  try {
    const NoGrad no_grad;
    f();
  } catch (const Error& e) {
    throw Error(e.kind(), fmt::format("[{}] in its backward: {}", op, e.what()));
  }
}

}  // namespace

void Node::add_to(const Tensor& grad_output, Tensor& total) const {
  check_alive();
  check_saved();
  in_backward(op(), [&] { call_add(grad_output, total); });
}

Tensors Node::run(const Tensors& grad_outputs) const {
  check_alive();
  check_saved();
  Needs needs(input_count_);
  for (std::size_t i = 0; i < needs.size(); ++i) needs[i] = edges()[i].needed();
  Tensors grads;
  in_backward(op(), [&] { grads = call(grad_outputs, needs); });
  if (grads.size() != needs.size()) {
    fail_op(op(), "backward returned {} gradients for {} inputs", grads.size(), needs.size());
  }
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Edge& edge = edges()[i];
    const Tensor& grad = grads[i];
    if (!edge.needed() || !grad.defined()) continue;
    if (grad.shape() != edge.shape() || grad.dtype() != edge.dtype()) {
      fail_op(op(), "backward gave {} {} for input {} of {} {}", name(grad.dtype()), grad.shape().str(), i,
              name(edge.dtype()), edge.shape().str());
    }
  }
  return grads;
}

}  // namespace lrurec
