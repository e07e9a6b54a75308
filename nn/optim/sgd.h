#pragma once

#include "nn/optim/optimizer.h"

namespace lrurec::nn {

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0;
};

/// Gradient descent with heavy-ball momentum: b = momentum b + g + weight_decay p, then p -= lr b.
class SGD : public Optimizer {
 public:
  SGD(const std::vector<ParameterGroup>& groups, const SgdOptions& options);
  std::map<std::string, Tensor> state() const override;

 private:
  void update(double gradient_scale, const Tensor& report) override;

  SgdOptions options_;
  std::vector<Tensor> velocity_;  ///< b
};

}  // namespace lrurec::nn
