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
  /// An error where the Variable is undefined.
  const Tensor& value() const;
  const Shape& shape() const { return value().shape(); }
  DType dtype() const { return value().dtype(); }
  std::int64_t size(int dim) const { return value().size(dim); }
  bool requires_grad() const;
  /// For a leaf, from the next recorded operation on. `false` freezes the leaf and drops its gradient, so
  /// that no optimiser moves it. `true` lets backward() give it a gradient (again). An error for any other
  /// variable.
  void set_requires_grad(bool requires_grad);

  /// The accumulated gradient of a leaf; undefined before the first backward(), and for other variables. Same
  /// shape and dtype as value. It is dense and shares its memory with nothing, unless set_grad gave it.
  const Tensor& grad() const;
  /// Drops the gradient: grad() is undefined again.
  void zero_grad();
  /// Replaces the gradient of a leaf (clipping), in the shape and dtype of the value. The Tensor is not
  /// copied. An error for any other variable.
  void set_grad(const Tensor& grad);
  /// Replaces the value of a leaf (as a loader does), in the same shape and dtype. The Tensor is not copied:
  /// give a clone() where others keep it, and dense memory (contiguous()) to a parameter that an optimiser
  /// steps. An error for any other variable.
  void set_value(const Tensor& value);

  /// Whether no recorded operation made it.
  bool is_leaf() const;

  /// Same value outside the graph.
  Variable detach() const { return Variable(value()); }

  /// Adds the gradient of this real scalar with respect to every leaf that led to it to that leaf's grad().
  /// The graph is freed on the way, or with `keep_graph` kept for another walk.
  ///
  /// An error where this is not one real number, where nothing was recorded or the graph is freed already,
  /// and where a value that a backward needs was changed in place since: by an optimiser's step, copy_, fill_
  /// or add_. (Writes through data() count only after Tensor::mark_changed().)
  ///
  /// Threads may walk graphs of their own that meet in a leaf; the order in which their gradients are added
  /// is then not fixed. One graph is walked by one thread at a time.
  void backward(bool keep_graph = false) const;

  /// From now on backward() calls `hook` with the gradient of this variable, once a walk: after the gradients
  /// of all its uses are summed, and before any operation takes the sum further. The Tensor that the hook
  /// returns replaces the gradient; an undefined one leaves it. Several hooks are called in order. An error
  /// unless requires_grad().
  ///
  /// A hook must not write to its argument, and must hold no Variable of this graph, which would keep itself
  /// alive. Operations in it record as they do where backward() was called. It may make and walk other
  /// graphs, but not the one under way.
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

/// Whether a gradient is the 1 that Variable::backward() starts from. A loss that computed its gradients in
/// the forward pass then need not scale them, nor wait for a GPU to read the number.
bool is_seed(const Tensor& gradient);

/// Variable::backward() from several outputs of any shape. grad_outputs: for each its gradient, of the
/// output's shape and dtype, or undefined where an output is not a starting point.
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
/// Whether operations on this thread are recorded.
bool recording();

/// Variable::str().
std::ostream& operator<<(std::ostream& out, const Variable& variable);

}  // namespace lrurec

#include "autograd/record.h"
