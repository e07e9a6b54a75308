#pragma once
// Module: something with named parameters.

#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "ops/dropout/dropout.h"

namespace lrurec::nn {

/// Whether a parameter has weight decay. decay_groups (nn/optim/optimizer.h) reads it.
enum class WeightDecay { yes, no };

struct NamedParameter {
  std::string name;  ///< dotted path, such as "blocks.0.lru.nu_log"
  Variable variable;
  WeightDecay decay = WeightDecay::yes;
};

/// The same list with each parameter once, under its first name (tied weights have several).
std::vector<NamedParameter> each_once(const std::vector<NamedParameter>& parameters);

/// A tensor that belongs to a module and is saved with it, but is not trained: running statistics, a table.
struct NamedBuffer {
  std::string name;
  Variable variable;
};

/// Base of layers and models. A derived class registers its parameters, buffers and sub-modules in its
/// constructor; lists of them keep the order of registration. Modules are neither copied nor moved, since
/// parents point to them.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// All parameters of this module and its sub-modules. The Variables share value and gradient with the
  /// module.
  std::vector<NamedParameter> named_parameters() const;
  std::vector<NamedBuffer> named_buffers() const;
  /// All that a file of this module holds: parameters, then buffers. Two of one name are an error.
  std::vector<NamedBuffer> named_state() const;
  /// The parameter of that dotted name; an error listing the names where there is none.
  Variable parameter(const std::string& name) const;
  /// Number of elements of all parameters. A complex element counts as one, a tied parameter once.
  std::int64_t parameter_count() const;
  /// Drops the gradients of all parameters.
  void zero_grad();
  /// Variable::set_requires_grad of every parameter of this module and its sub-modules; `false` freezes them.
  /// Optimisers leave parameters without a gradient as they are, weight decay included.
  void set_requires_grad(bool requires_grad);
  /// Takes copies of the values of another module's parameters and buffers, on that module's device. Names,
  /// shapes and dtypes must be the same; otherwise it is an error, and nothing is changed.
  void copy_values(const Module& from);
  /// Moves all parameters and buffers to a device, with the same bits, and drops gradients. Make the
  /// optimiser afterwards.
  void to(Device device);

 protected:
  // A name is registered once and has no dot. Do not assign to a registered Variable that is kept as a member
  // (`layer.weight = ...`, `+=`): the module would go on with the old one. set_value gives it other numbers.
  Variable register_parameter(std::string name, Tensor value, WeightDecay decay = WeightDecay::yes);
  /// Any dtype. The Variable shares its value with the module: set_value changes both.
  Variable register_buffer(std::string name, Tensor value);
  /// With an empty name, the sub-module's names get no prefix. The sub-module must live as long as this one.
  void register_module(std::string name, Module& module);

 private:
  void check_new(const std::string& name) const;

  std::vector<NamedParameter> parameters_;
  std::vector<NamedBuffer> buffers_;
  std::vector<std::pair<std::string, Module*>> modules_;
};

/// What a forward pass takes beside its input. All randomness of a training step is a function of it. The
/// default is inference.
struct ForwardContext {
  bool training = false;   ///< dropout acts
  std::uint64_t seed = 0;  ///< of the run
  std::uint64_t step = 0;  ///< of the optimiser

  static constexpr std::uint64_t most_sites = 1U << 16U;
  /// The key of the mask of dropout site `site`, a number below most_sites that differs for every dropout of
  /// a model.
  ops::DropoutKey dropout_key(std::uint64_t site) const { return {seed, (step << 16) | site}; }
};

}  // namespace lrurec::nn
