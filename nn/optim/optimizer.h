#pragma once
// The base of optimisers, which turn accumulated gradients into steps. To them, real and imaginary parts are
// separate numbers. adam.h and sgd.h have the methods, update_rules.h what each does to one number.

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

/// Two groups of a module's parameters, with and without weight decay. As in the published LRURec all are
/// decayed, the logs of the LRU included, except biases (the last part of the name contains "bias") and what
/// a layer registers with WeightDecay::no, such as layer norms. Frozen parameters are left out; tied ones are
/// listed under their first name.
std::vector<ParameterGroup> decay_groups(const Module& module, double weight_decay);

/// Holds the parameters and the state of each. All parameters are dense leaves on one device that require a
/// gradient, each listed once.
class Optimizer {
 public:
  Optimizer(const std::vector<ParameterGroup>& groups, double lr);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// The learning rate of the next step. It may change from step to step (schedule.h).
  double lr() const { return lr_; }
  void set_lr(double lr);

  /// One update, in place, from the parameters' gradients times gradient_scale. A parameter without a
  /// gradient is left as it is. The gradients stay: zero_grad() drops them.
  void step(double gradient_scale = 1);

  /// One update from gradients scaled to a norm of at most max_norm (above 0). Where the norm or `loss` (a
  /// real scalar, or undefined) is not finite, parameters and state stay as they are. A CPU then throws
  /// ErrorKind::non_finite at once, as finite_gradient_norm does. On a GPU nothing waits: the result has the
  /// problem, and no later step changes anything either.
  ClippedStep clip_and_step(double max_norm, const Tensor& loss = {});

  /// State to save by name, such as "exp_avg.blocks.0.lru.nu_log". The tensors share memory with the
  /// optimiser.
  virtual std::map<std::string, Tensor> state() const = 0;
  /// For a loader: a sentence on why `value`, dense on the CPU, cannot be the state `name`; empty where it
  /// can.
  virtual std::string problem([[maybe_unused]] const std::string& name,
                              [[maybe_unused]] const Tensor& value) const {
    return {};
  }
  /// How many updates were made.
  std::int64_t steps() const { return steps_; }
  /// For a loader; not negative.
  void set_steps(std::int64_t steps);

  /// Of all groups, one group after the other.
  const std::vector<NamedParameter>& parameters() const { return parameters_; }

 protected:
  /// The update of step number steps(), the first of which is 1. With a `report` (f64 on the GPU, see
  /// kernels.h) the scale comes from there, and an update that is not ok does nothing.
  virtual void update(double gradient_scale, const Tensor& report) = 0;

  /// Learning rate and weight decay of parameter k.
  double lr_of(std::size_t k) const { return lr_ * lr_factor_[k]; }
  double weight_decay_of(std::size_t k) const { return weight_decay_[k]; }

  /// Zeros for each parameter, a complex one as [..., 2] real.
  std::vector<Tensor> zero_state() const;
  std::map<std::string, Tensor> named(const char* prefix, const std::vector<Tensor>& tensors) const;

  Device device() const { return device_; }

 private:
  /// Makes the walk of a graph that holds values from before the step an error.
  void mark_changed() const;
  /// Throws before any value is changed, so that a step is made whole or not at all.
  void check_values() const;

  std::vector<NamedParameter> parameters_;
  std::vector<double> lr_factor_, weight_decay_;  ///< of each parameter
  double lr_;
  Device device_;
  std::int64_t steps_ = 0;
  Tensor halted_;  ///< on a GPU: f64 [1], whether there was something that is not finite
};

}  // namespace lrurec::nn
