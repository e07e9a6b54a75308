#pragma once
// What optimisers share. They turn accumulated gradients into steps; real and imaginary parts are separate
// numbers to them. adam.h and sgd.h have the methods, update_rules.h what each does to a number.

#include <map>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/optim/clip.h"

namespace lrurec::nn {

/// Parameters with a weight decay and a learning rate of their own.
struct ParameterGroup {
  std::vector<NamedParameter> parameters;
  double weight_decay = 0;
  double lr_factor = 1;  ///< their learning rate is lr_factor times the optimiser's
};

/// Two groups of a module's parameters, decayed and not. As in the published LRURec all are decayed but
/// biases (told by the last part of their names), norms and what else a layer registers with WeightDecay::no;
/// the logs of the LRU are. Frozen parameters are left out; tied ones are listed under their first name.
std::vector<ParameterGroup> decay_groups(const Module& module, double weight_decay);

/// Base: holds the parameters and their per-parameter state. All parameters are on one device.
class Optimizer {
 public:
  Optimizer(const std::vector<ParameterGroup>& groups, double lr);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// The learning rate of the next step, which may be another for each (schedule.h).
  double lr() const { return lr_; }
  void set_lr(double lr);

  /// One update from the gradients that are there, times gradient_scale; parameters without a gradient stay.
  void step(double gradient_scale = 1);

  /// One update from gradients scaled to a norm of at most max_norm. Where the norm or `loss` (a real scalar,
  /// may be undefined) is not finite, parameters and state stay as they are. On the CPU that is
  /// ErrorKind::non_finite at once, as finite_gradient_norm has it. On a GPU nothing waits: the problem
  /// stands in the result, and no later step changes anything either.
  ClippedStep clip_and_step(double max_norm, const Tensor& loss = {});

  /// State to save, such as "exp_avg.blocks.0.lru.nu_log"; the tensors share memory with the optimiser.
  virtual std::map<std::string, Tensor> state() const = 0;
  /// A sentence where `value`, dense on the CPU, cannot be what state() has under `name`; empty where it can.
  /// A loader asks before it copies.
  virtual std::string problem([[maybe_unused]] const std::string& name,
                              [[maybe_unused]] const Tensor& value) const {
    return {};
  }
  std::int64_t steps() const { return steps_; }
  /// Not negative.
  void set_steps(std::int64_t steps);

  /// Of all groups, one group after the other.
  const std::vector<NamedParameter>& parameters() const { return parameters_; }

 protected:
  /// The update of step number steps(). With a `report` (f64 on the GPU, see kernels.h) the scale comes from
  /// there, and an update that is not ok does nothing.
  virtual void update(double gradient_scale, const Tensor& report) = 0;

  /// Learning rate and weight decay of parameter k.
  double lr_of(std::size_t k) const { return lr_ * lr_factor_[k]; }
  double weight_decay_of(std::size_t k) const { return weight_decay_[k]; }

  /// State for each parameter: zeros of the shape of its parts.
  std::vector<Tensor> zero_state() const;
  std::map<std::string, Tensor> named(const char* prefix, const std::vector<Tensor>& tensors) const;

  Device device() const { return device_; }

 private:
  /// A graph that holds values from before the step must not be walked any more.
  void mark_changed() const;
  /// Before any value is changed: a step is whole or not at all.
  void check_values() const;

  std::vector<NamedParameter> parameters_;
  std::vector<double> lr_factor_, weight_decay_;  ///< of each parameter
  double lr_;
  Device device_;
  std::int64_t steps_ = 0;
  Tensor halted_;  ///< on a GPU: f64 [1], whether there was something that is not finite
};

}  // namespace lrurec::nn
