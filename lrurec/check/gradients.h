#pragma once
// Gradient checks of the whole model.

#include <vector>

#include "autograd/gradcheck.h"

namespace lrurec::check {

struct ModelCase {
  std::string name;
  GradcheckReport report;
};

/// A tiny LRURec in f64: every parameter, through packed sequences of several lengths, with dropout, by the
/// fused loss and by the composition, with and without equation 8's outer GELU.
std::vector<ModelCase> check_model_gradients();

}  // namespace lrurec::check
