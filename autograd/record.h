#pragma once
// Putting an operation on the graph. Included by autograd/variable.h.

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "autograd/variable.h"
#include "tensor/saved_tensor.h"

namespace lrurec {

/// Which inputs of an operation need a gradient; its backward may leave the others undefined.
using Needs = std::vector<bool>;

/// The backward of an operation. It takes the gradients of the outputs and returns those of the inputs, in
/// the order of the inputs, with the shape and dtype of each input. The gradient of an output that nothing
/// depended on is undefined. An input that needs no gradient may get an undefined one.
///
/// The function must not write to the gradients that it takes. It must hold Tensors, never Variables, so that
/// the graph cannot keep itself alive; a Variable in it is an error when it is recorded.
using MultiBackward = std::function<Tensors(const Tensors& grad_outputs, const Needs& needs)>;
using Backward = std::function<Tensors(const Tensor& grad_output, const Needs& needs)>;

/// Adds the gradient of an operation's only input to `total`, a dense gradient that is there already.
using AddInto = std::function<void(const Tensor& grad_output, Tensor& total)>;

/// The inputs of an operation: {a, b}, or a list of Variables. Valid only during the call that takes them.
class Inputs {
 public:
  Inputs(std::initializer_list<Variable> list) : inputs_(list.begin(), list.size()) {}
  // NOLINTNEXTLINE(google-explicit-constructor): a list is one form of inputs.
  Inputs(const Variables& list) : inputs_(list) {}
  std::size_t size() const { return inputs_.size(); }
  auto begin() const { return inputs_.begin(); }
  auto end() const { return inputs_.end(); }

 private:
  std::span<const Variable> inputs_;
};

/// One recorded operation. The graph is made of Nodes only. A Node points to the Nodes that made its inputs
/// (or to leaves), never to its outputs, and its backward function holds Tensors: so no cycle can form, and
/// values that no backward needs are freed as soon as the forward code lets go of them.
///
/// Small operations spend their time here, so a Node is one block of memory with its backward function in it.
class Node {
 public:
  /// Where the gradient of one input goes: an output of another Node, a leaf, or nowhere.
  class Edge {
   public:
    Edge() = default;
    explicit Edge(const Variable& input);
    bool needed() const { return place_ != nullptr; }
    Node* node() const { return is_leaf_ ? nullptr : static_cast<Node*>(place_.get()); }
    Variable::Impl* leaf() const { return is_leaf_ ? static_cast<Variable::Impl*>(place_.get()) : nullptr; }
    std::size_t output() const { return output_; }
    const Shape& shape() const;
    DType dtype() const;

   private:
    friend class Node;
    std::shared_ptr<void> place_;
    std::uint32_t output_ = 0;
    bool is_leaf_ = false;
  };
  struct Output {
    [[no_unique_address]] Shape shape;
    DType dtype = DType::f32;
  };

  Node(std::string_view op, const Inputs& inputs);
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& op() const { return *op_; }
  std::span<const Edge> edges() const { return const_cast<Node*>(this)->own_edges(); }
  std::size_t outputs() const { return output_count_; }
  const Output& output(std::size_t i) const { return i == 0 ? first_output_ : rare_->more_outputs[i - 1]; }

  /// Runs the backward function and checks that what comes back fits the inputs.
  Tensors run(const Tensors& grad_outputs) const;
  /// Whether the operation has one input and can add that one's gradient to a total (AddInto).
  virtual bool adds() const = 0;
  /// Adds the gradient of the only input to `total`; only where adds().
  void add_to(const Tensor& grad_output, Tensor& total) const;
  /// Makes `results` the outputs of `node`.
  static void attach(Variable* results, std::size_t count, const std::shared_ptr<Node>& node,
                     const Inputs& inputs);
  /// Adds a hook to an output; see Variable::register_hook.
  void add_hook(std::size_t output, Variable::Hook hook);
  bool has_hooks() const { return rare_ && !rare_->hooks.empty(); }
  const std::vector<Variable::Hook>& hooks(std::size_t output) const { return rare_->hooks[output]; }
  /// Drops what the backward function saved.
  void release() { released_ = true, drop(); }

 protected:
  /// Notes the tensors that the backward function holds, and the versions of their memory.
  void set_saved(const CopyWatch& watch, std::span<CopyWatch::Seen> place, const Inputs& inputs);

 private:
  friend class Engine;

  virtual Tensors call(const Tensors& grad_outputs, const Needs& needs) const = 0;
  virtual void call_add(const Tensor& grad_output, Tensor& total) const = 0;
  virtual void drop() = 0;
  std::span<Edge> own_edges();
  /// Throws where a value that the backward function holds was changed in place since: the gradient would be
  /// wrong.
  void check_saved() const;
  void check_alive() const;

  /// What few nodes have.
  struct Rare {
    std::vector<Output> more_outputs;
    std::vector<CopyWatch::Seen> saved;              ///< where there are more than NodeOf has places for
    std::vector<std::vector<Variable::Hook>> hooks;  ///< by output
  };
  Rare& rare();

  const std::string* op_;  ///< owned by the list of recorded operations
  std::array<Edge, 2> first_edges_;
  std::unique_ptr<Edge[]> all_edges_;  ///< of more than two inputs
  std::unique_ptr<Rare> rare_;
  CopyWatch::Seen* saved_ = nullptr;
  std::uint32_t saved_count_ = 0, input_count_, output_count_ = 1;
  // Of the walk that this node was last visited by (Engine).
  std::uint32_t slot_ = 0;
  std::uint64_t walk_ = 0;
  [[no_unique_address]] Output first_output_;
  bool released_ = false;
};

namespace detail {

/// Whether an operation of these inputs is recorded now. Remembers the name.
bool is_recorded(std::string_view op, const Inputs& inputs);

struct NoAddInto {};

template <class F, class A>
class NodeOf final : public Node {
 public:
  NodeOf(std::string_view op, const Inputs& inputs, const F& backward, const A& add_into) : Node(op, inputs) {
    CopyWatch watch(saved_);
    backward_.emplace(backward);
    add_into_.emplace(add_into);
    set_saved(watch, saved_, inputs);
  }
  bool adds() const override { return !std::is_same_v<A, NoAddInto> && add_into_ && edges().size() == 1; }

 private:
  Tensors call(const Tensors& grads, const Needs& needs) const override {
    if constexpr (std::is_invocable_v<const F&, const Tensor&, const Needs&>) {
      return (*backward_)(grads[0], needs);
    } else {
      return (*backward_)(grads, needs);
    }
  }
  void call_add([[maybe_unused]] const Tensor& grad, [[maybe_unused]] Tensor& total) const override {
    if constexpr (!std::is_same_v<A, NoAddInto>) (*add_into_)(grad, total);
  }
  void drop() override { backward_.reset(), add_into_.reset(); }

  std::array<CopyWatch::Seen, (sizeof(F) + sizeof(A)) / sizeof(SavedTensor)> saved_;
  std::optional<F> backward_;
  std::optional<A> add_into_;
};

}  // namespace detail

/// Puts the result of an operation on the graph (when recording is on and an input requires a gradient).
/// `backward` is a Backward.
///
/// An operation of one input whose gradient is zero almost everywhere (rows of a table, a slice) may also
/// give `add_into`, an AddInto. It is called instead of `backward` where the input has a gradient already,
/// which saves making a tensor of zeros and adding it.
template <class F = Backward, class A = detail::NoAddInto>
Variable record(std::string_view op, const Inputs& inputs, const Tensor& output, const F& backward,
                const A& add_into = {}) {
  static_assert(std::is_invocable_r_v<Tensors, const F&, const Tensor&, const Needs&> ||
                    std::is_invocable_r_v<Tensors, const F&, const Tensors&, const Needs&>,
                "a backward takes (const Tensor& dy, const Needs&) and returns Tensors, one for each input");
  static_assert(std::is_copy_constructible_v<F>, "what a backward keeps must be copyable");
  Variable result(output);
  if (detail::is_recorded(op, inputs)) {
    Node::attach(&result, 1, std::make_shared<detail::NodeOf<F, A>>(op, inputs, backward, add_into), inputs);
  }
  return result;
}

/// The same for an operation with several outputs; `backward` is a MultiBackward. Outputs of integers and
/// booleans, such as indices, stay off the graph.
template <class F = MultiBackward>
Variables record(std::string_view op, const Inputs& inputs, const Tensors& outputs, const F& backward) {
  static_assert(std::is_invocable_v<const F&, const Tensors&, const Needs&>,
                "the backward of several outputs takes their gradients: (const Tensors&, const Needs&)");
  Variables results(outputs.begin(), outputs.end());
  if (detail::is_recorded(op, inputs)) {
    using Recorded = detail::NodeOf<F, detail::NoAddInto>;
    Node::attach(results.data(), results.size(),
                 std::make_shared<Recorded>(op, inputs, backward, detail::NoAddInto()), inputs);
  }
  return results;
}

/// Names of all operations recorded so far in this process: the test suite compares them with its table.
std::vector<std::string> recorded_operations();

}  // namespace lrurec
