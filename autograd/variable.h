#pragma once
// Variable: a Tensor with a place in the recorded graph; backward() walks that graph in reverse.
//
// Complex gradients follow PyTorch: for a real loss L and z = x + iy, grad = dL/dx + i dL/dy, so z -= lr *
// grad descends. For a holomorphic y = f(z) the rule is grad_z = grad_y * conj(f'(z)).

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lrurec {

class Node;

/// Copying a Variable copies a reference to the same value and gradient.
class Variable {
 public:
  Variable() = default;
  Variable(const Variable& other) : impl_(other.impl_) { CopyWatch::note_variable(); }
  Variable(Variable&&) = default;
  Variable& operator=(const Variable&) = default;
  Variable& operator=(Variable&&) = default;
  ~Variable() = default;
  /// A leaf. With `requires_grad` its gradient is accumulated by backward(); the dtype must be real or
  /// complex.
  explicit Variable(Tensor value, bool requires_grad = false);

  bool defined() const { return impl_ != nullptr; }
  const Tensor& value() const;
  const Shape& shape() const { return value().shape(); }
  DType dtype() const { return value().dtype(); }
  std::int64_t size(int dim) const { return value().size(dim); }
  bool requires_grad() const;
  /// Of a leaf, from the next recorded operation on: `false` freezes it, and drops its gradient, so that no
  /// optimiser moves it; `true` makes it (again) one that backward() gives a gradient.
  void set_requires_grad(bool requires_grad);

  /// The accumulated gradient of a leaf, undefined before the first backward(). Same shape and dtype as
  /// value; dense, and memory that no one else has, unless set_grad gave it.
  const Tensor& grad() const;
  void zero_grad();
  /// Replaces the gradient of a leaf (clipping); shape and dtype as value. An error of any other variable.
  void set_grad(const Tensor& grad);
  /// Replaces the value of a leaf (a loader's step); shape and dtype must stay. The Tensor is taken as it is:
  /// give a clone() where others keep it, and dense memory (contiguous()) to a parameter that an optimiser
  /// steps.
  void set_value(const Tensor& value);

  /// Whether no recorded operation made it.
  bool is_leaf() const;

  /// Same value outside the graph.
  Variable detach() const { return Variable(value()); }

  /// Gradient of this real scalar with respect to every leaf that led to it, added to the leaves' grad(). An
  /// error where nothing was recorded, or where a value that a backward needs was changed in place since: by
  /// an optimiser's step, copy_, fill_ or add_. (Writes through data() count where Tensor::mark_changed()
  /// says so.)
  ///
  /// Threads may walk graphs of their own that meet in a leaf, in no certain order of the sums. One graph is
  /// walked by one thread at a time. With `keep_graph` the graph can be walked again.
  void backward(bool keep_graph = false) const;

  /// From now on backward() calls `hook` with the gradient of this variable, before any operation takes it
  /// further: after the sum of all its uses, once a walk. What the hook returns replaces the gradient; an
  /// undefined Tensor leaves it. It must not write to what it is given, and holds no Variables of this graph
  /// (it would keep itself alive). Operations record in it as where backward() was called: it may make other
  /// graphs and walk them, but not the one under way. Several are called in order. An error unless
  /// requires_grad().
  using Hook = std::function<Tensor(const Tensor& gradient)>;
  void register_hook(Hook hook) const;

  /// The tensor's str(), and the operation that made it or whether it requires a gradient.
  std::string str() const;

  struct Impl;

 private:
  friend class Node;
  friend class Engine;
  std::shared_ptr<Impl> impl_;
};

using Variables = std::vector<Variable>;

/// Whether a gradient is the 1 that Variable::backward() starts from. A loss that has made its gradients in
/// the forward pass then need not scale them, and on a GPU need not wait for the number.
bool is_seed(const Tensor& gradient);

/// Runs the graph backwards from several outputs with given gradients (undefined: not a starting point).
/// With `keep_graph` the graph can be walked again; otherwise it frees what it saved as it goes.
void backward(const Variables& outputs, const Tensors& grad_outputs, bool keep_graph = false);

/// While one of these lives on a thread, operations on that thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};
bool recording();

/// Variable::str().
std::ostream& operator<<(std::ostream& out, const Variable& variable);

}  // namespace lrurec

#include "autograd/record.h"
