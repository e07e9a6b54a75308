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

/// A tiny one of each model whose title contains `only`, in f64: every parameter, through a batch of its
/// training examples, with and without dropout, by the fused loss and by the composition, of LRURec also with
/// equation 8's outer GELU.
std::vector<ModelCase> check_model_gradients(const std::string& only = "");

}  // namespace lrurec::check
