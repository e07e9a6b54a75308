#pragma once
// The norm of all gradients together, and clipping by it.

#include <string>
#include <vector>

#include "nn/module.h"

namespace lrurec::nn {

/// Euclidean norm over all gradients. A parameter without one counts as 0, a tied one once. Squares are
/// summed in double, so that gradients of 1e20 do not overflow.
double gradient_norm(const std::vector<NamedParameter>& parameters);

/// The same. A norm that is not finite throws ErrorKind::non_finite, naming the first bad gradient and entry.
double finite_gradient_norm(const std::vector<NamedParameter>& parameters);
/// The factor that clips gradients of that norm: min(1, max_norm / (norm + 1e-6)).
double clip_factor(double norm, double max_norm);

/// Scales all gradients by max_norm / (norm + 1e-6) when that is below 1; returns the norm before. max_norm
/// must be above 0. Throws as finite_gradient_norm does. Where nothing but an optimiser's step follows,
/// step(clip_factor(...)) saves a pass.
double clip_gradient_norm(const std::vector<NamedParameter>& parameters, double max_norm);

/// Index of the first NaN or infinity of a tensor in row-major order, or -1.
std::int64_t first_non_finite(const Tensor& tensor);

/// The result of Optimizer::clip_and_step. On a GPU it is known once the step has run there.
class ClippedStep {
 public:
  struct Values {
    double loss = 0;      ///< the loss that was given, or 0
    double norm = 0;      ///< of the gradient, before clipping
    std::string problem;  ///< why the step changed nothing; empty when it was made
  };
  explicit ClippedStep(const Values& values) : values_(values) {}
  /// report: from norm_on_gpu; the parameters serve to name a gradient that is not finite.
  ClippedStep(const Tensor& report, const std::vector<NamedParameter>& parameters)
      : report_(report), parameters_(parameters) {}

  /// Waits for the step.
  Values read() const;

 private:
  Values values_;  ///< on the CPU
  Tensor report_;  ///< on a GPU
  std::vector<NamedParameter> parameters_;
};

/// Norm, clip factor and whether loss and norm are finite, in the GPU's memory for a step to read:
/// f64 [report_size], see kernels.h. halted: f64 [1], set to 1 at the first step that is not finite.
Tensor norm_on_gpu(const std::vector<NamedParameter>& parameters, double max_norm, const Tensor& loss,
                   const Tensor& halted);

}  // namespace lrurec::nn
