#pragma once
// Gradient checks of the whole model.

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace lrurec::check {

struct ModelCase {
  std::string name;
  GradcheckReport report;
};

/// Checks a tiny model of each kind whose name or title contains `only`, in f64. Every parameter is checked
/// through a batch of the model's training examples, with and without dropout, by the fused loss and by the
/// composition. LRURec is checked with each of its switches and backbones too.
std::vector<ModelCase> check_model_gradients(const std::string& only = "");

}  // namespace lrurec::check
