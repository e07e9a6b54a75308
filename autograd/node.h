#pragma once
// One recorded operation: where its gradients go, and how they are computed.

#include <memory>
#include <string>
#include <vector>

#include "autograd/gradient_sum.h"
#include "autograd/variable.h"

namespace lrurec {

/// The graph is made of Nodes only. A Node points to the Nodes that made its inputs (or to leaves), never to
/// its outputs, and its backward function holds Tensors: so no cycle can form, and values that no backward
/// needs are freed as soon as the forward code lets go of them.
class Node {
 public:
  /// Where the gradient of one input goes: an output of another Node, or a leaf.
  struct Edge {
    std::shared_ptr<Node> node;
    std::size_t output = 0;
    std::shared_ptr<Variable::Impl> leaf;
    Shape shape;
    DType dtype = DType::f32;
    const Storage* storage = nullptr;  ///< of the input's value, to be named; not to be looked into
    bool needed() const { return node != nullptr || leaf != nullptr; }
  };

  Node(std::string_view op, const Variables& inputs, std::size_t outputs, MultiBackward backward,
       AddInto add_into);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& op() const { return op_; }
  const std::vector<Edge>& edges() const { return edges_; }
  std::size_t outputs() const { return outputs_; }

  /// Runs the backward function and checks that what comes back fits the inputs.
  Tensors run(const Tensors& grad_outputs) const;
  /// Whether there is an AddInto and its only input is a leaf.
  bool adds_to_leaf() const { return add_into_ && edges_.size() == 1 && edges_[0].leaf; }
  /// Where the only input is a leaf that has a gradient already, and the operation can add to that (AddInto):
  /// does so and returns true.
  bool add_to_leaf(const Tensor& grad_output) const;
  /// Makes `result` output number `output` of `node`.
  static void attach(Variable& result, const std::shared_ptr<Node>& node, std::size_t output);
  /// Drops what the backward function saved.
  void release() { backward_ = nullptr, add_into_ = nullptr, saved_.clear(); }

 private:
  std::string op_;
  std::vector<Edge> edges_;
  std::size_t outputs_;
  /// A value that the backward function holds and that was changed in place since would give a wrong
  /// gradient.
  void check_saved() const;

  MultiBackward backward_;
  AddInto add_into_;
  std::vector<CopyWatch::Seen> saved_;  ///< the memory that the two hold, and its version then
};

struct Variable::Impl {
  Tensor value;
  GradientSum grad;
  bool requires_grad = false;
  std::shared_ptr<Node> node;  ///< the operation that made it; null for a leaf
  std::size_t output = 0;      ///< which of its outputs
};

}  // namespace lrurec
