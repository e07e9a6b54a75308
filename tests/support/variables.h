#pragma once

#include <vector>

#include "autograd/variable.h"

namespace lrurec::test {

/// A parameter of these values, f64.
inline Variable leaf(const std::vector<double>& values) { return Variable(Tensor::from(values), true); }

}  // namespace lrurec::test
