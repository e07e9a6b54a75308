#pragma once
// Module: something with named parameters.

#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "ops/dropout/dropout.h"

namespace lrurec::nn {

/// Whether a parameter is to be decayed, for decay_groups (nn/optim/optimizer.h), which makes an optimiser's
/// groups.
enum class WeightDecay { yes, no };

struct NamedParameter {
  std::string name;  ///< dotted path, such as "blocks.0.lru.nu_log"
  Variable variable;
  WeightDecay decay = WeightDecay::yes;
};

/// The same without those that stand there before under another name (tied weights).
std::vector<NamedParameter> each_once(const std::vector<NamedParameter>& parameters);

/// A tensor that belongs to a module and is saved with it, but is not trained: running statistics, a table.
struct NamedBuffer {
  std::string name;
  Variable variable;
};

/// Base of layers and models. A derived class registers its parameters, buffers and sub-modules in its
/// constructor; names follow the order of registration. Modules are neither copied nor moved, since parents
/// point to them.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// All parameters of this module and those below it. The Variables share value and gradient with the
  /// module.
  std::vector<NamedParameter> named_parameters() const;
  std::vector<NamedBuffer> named_buffers() const;
  /// All that a file of this module holds: parameters, then buffers.
  std::vector<NamedBuffer> named_state() const;
  /// The parameter of that dotted name; an error listing the names where there is none.
  Variable parameter(const std::string& name) const;
  /// Number of parameters, a complex one counted as one, and one under two names (tied weights) once.
  std::int64_t parameter_count() const;
  void zero_grad();
  /// Variable::set_requires_grad of every parameter of this module and those below it: `false` freezes them.
  /// Optimisers leave what has no gradient as it is, weight decay included.
  void set_requires_grad(bool requires_grad);
  /// Takes a copy of each parameter's and buffer's value from a module with the same ones.
  void copy_values(const Module& from);
  /// Moves all parameters and buffers to a device, bit by bit; gradients are dropped. An optimiser is made
  /// afterwards.
  void to(Device device);

 protected:
  // A name is registered once. A derived class that keeps the Variable as a member never assigns to it, nor
  // does anyone else (`layer.weight = ...`, `+=`): the module would hold the old one. set_value gives it
  // other numbers.
  Variable register_parameter(std::string name, Tensor value, WeightDecay decay = WeightDecay::yes);
  /// Any dtype. The Variable shares its value with the module: set_value changes both.
  Variable register_buffer(std::string name, Tensor value);
  /// An empty name leaves the names of its parameters as they are.
  void register_module(std::string name, Module& module);

 private:
  void check_new(const std::string& name) const;

  std::vector<NamedParameter> parameters_;
  std::vector<NamedBuffer> buffers_;
  std::vector<std::pair<std::string, Module*>> modules_;
};

/// What a forward pass needs to know beside its input. All randomness of a training step is a function of it.
struct ForwardContext {
  bool training = false;   ///< dropout acts
  std::uint64_t seed = 0;  ///< of the run
  std::uint64_t step = 0;  ///< of the optimiser

  static constexpr std::uint64_t most_sites = 1U << 16U;
  /// The mask of dropout site `site` (a number that differs for every dropout of a model, below most_sites).
  ops::DropoutKey dropout_key(std::uint64_t site) const { return {seed, (step << 16) | site}; }
};

}  // namespace lrurec::nn
