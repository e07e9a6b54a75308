#pragma once

#include "nn/optim/optimizer.h"

namespace lrurec::nn {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  /// On a GPU, how many blocks of threads share out a block of a parameter (kernels::parameter_block). With
  /// more, each thread has fewer elements to go through. The bits are the same.
  int gpu_pieces = 1;
};

/// Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), with bias correction at step n:
///
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
///   p -= lr (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + eps).
///
/// AdamW first multiplies p by 1 - lr weight_decay; Adam adds weight_decay p to g instead. The weight decay
/// of a parameter is that of its group.
///
/// n counts the steps of the optimiser, where PyTorch counts those of each parameter. A parameter whose
/// gradients begin late therefore starts with steps up to (1 - beta1) / sqrt(1 - beta2) times as large: make
/// a new optimiser when you unfreeze a layer.
class Adam : public Optimizer {
 public:
  enum class Decay { decoupled, in_gradient };
  Adam(const std::vector<ParameterGroup>& groups, const AdamOptions& options,
       Decay decay = Decay::in_gradient);
  std::map<std::string, Tensor> state() const override;
  std::string problem(const std::string& name, const Tensor& value) const override;

 private:
  void update(double gradient_scale, const Tensor& report) override;

  AdamOptions options_;
  Decay decay_;
  std::vector<Tensor> exp_avg_, exp_avg_sq_;  ///< m and v: real, [numel] or [numel, 2] of each parameter
};

class AdamW : public Adam {
 public:
  AdamW(const std::vector<ParameterGroup>& groups, const AdamOptions& options)
      : Adam(groups, options, Decay::decoupled) {}
};

}  // namespace lrurec::nn
