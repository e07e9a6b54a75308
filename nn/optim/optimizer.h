#pragma once
// Optimisers: they turn accumulated gradients into steps. Real and imaginary parts are separate numbers to
// them.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "nn/module.h"

namespace lrurec::nn {

/// Euclidean norm over all gradients (parameters without one count as 0), squares summed in double so that
/// gradients of 1e20 do not overflow.
double gradient_norm(const std::vector<NamedParameter>& parameters);

/// The same; a norm that is not finite is ErrorKind::non_finite, naming the first bad gradient and entry.
double finite_gradient_norm(const std::vector<NamedParameter>& parameters);
/// What clipping multiplies gradients of that norm by: min(1, max_norm / (norm + 1e-6)).
double clip_factor(double norm, double max_norm);

/// Scales all gradients by max_norm / (norm + 1e-6) when that is below 1; returns the norm before.
/// Errors as finite_gradient_norm. Where only an optimiser follows, step(clip_factor(...)) does it in one
/// pass.
double clip_gradient_norm(const std::vector<NamedParameter>& parameters, double max_norm);

/// Index of the first NaN or infinity of a tensor in row-major order, or -1.
std::int64_t first_non_finite(const Tensor& tensor);

/// What Optimizer::clip_and_step did. On a GPU it is known once the step has run there.
class ClippedStep {
 public:
  struct Values {
    double loss = 0;      ///< the one that was given, or 0
    double norm = 0;      ///< of the gradient, before clipping
    std::string problem;  ///< why the step left everything as it was; empty when it did not
  };
  /// Waits for the step.
  Values read() const;

 private:
  friend class Optimizer;
  Values values_;                           ///< on the CPU
  Tensor report_;                           ///< on a GPU, see kernels.h
  std::vector<NamedParameter> parameters_;  ///< to name the one that is not finite
};

/// Base: holds the parameters and their per-parameter state. All parameters are on one device.
class Optimizer {
 public:
  explicit Optimizer(std::vector<NamedParameter> parameters);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update from the gradients that are there, times gradient_scale; parameters without a gradient stay.
  void step(double gradient_scale = 1);

  /// One update from gradients scaled to a norm of at most max_norm. Where the norm or `loss` (a real scalar,
  /// may be undefined) is not finite, parameters and state stay as they are. On the CPU that is
  /// ErrorKind::non_finite at once, as finite_gradient_norm has it. On a GPU nothing waits: the problem
  /// stands in the result, and no later step changes anything either.
  ClippedStep clip_and_step(double max_norm, const Tensor& loss = {});

  /// State to save, such as "exp_avg.blocks.0.lru.nu_log"; the tensors share memory with the optimiser.
  virtual std::map<std::string, Tensor> state() const = 0;
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

  const std::vector<NamedParameter>& parameters() const { return parameters_; }

 protected:
  /// The update of step number steps(). With a `report` (f64 on the GPU, see kernels.h) the scale comes from
  /// there, and an update that is not ok does nothing.
  virtual void update(double gradient_scale, const Tensor& report) = 0;

  std::vector<NamedParameter> parameters_;
  Device device_;
  std::int64_t steps_ = 0;

 private:
  Tensor halted_;  ///< on a GPU: f64 [1], whether there was something that is not finite
};

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  /// Whether weight decay acts on the parameter of that name; all by default.
  std::function<bool(const std::string&)> decays = [](const std::string&) { return true; };
};

/// Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), with bias correction at step n:
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
///   p -= lr (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + eps).
/// AdamW first shrinks p by 1 - lr weight_decay; Adam adds weight_decay p to g instead.
class Adam : public Optimizer {
 public:
  enum class Decay { decoupled, in_gradient };
  Adam(std::vector<NamedParameter> parameters, AdamOptions options, Decay decay = Decay::in_gradient);
  std::map<std::string, Tensor> state() const override;

 private:
  void update(double gradient_scale, const Tensor& report) override;

  AdamOptions options_;
  Decay decay_;
  std::vector<Tensor> exp_avg_, exp_avg_sq_;  ///< real, [numel] or [numel, 2] of each parameter
};

class AdamW : public Adam {
 public:
  AdamW(std::vector<NamedParameter> parameters, AdamOptions options)
      : Adam(std::move(parameters), std::move(options), Decay::decoupled) {}
};

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0;
  double weight_decay = 0;
};

/// p -= lr b,  b = momentum b + g + weight_decay p.
class SGD : public Optimizer {
 public:
  SGD(std::vector<NamedParameter> parameters, SgdOptions options);
  std::map<std::string, Tensor> state() const override;

 private:
  void update(double gradient_scale, const Tensor& report) override;

  SgdOptions options_;
  std::vector<Tensor> velocity_;
};

}  // namespace lrurec::nn
