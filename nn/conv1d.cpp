#include "nn/conv1d.h"

#include <cmath>

#include "ops/conv1d/conv1d.h"

namespace lrurec::nn {
namespace {

double conv1d_bound(std::int64_t kernel) { return 1 / std::sqrt(static_cast<double>(kernel)); }

}  // namespace

Conv1d::Conv1d(std::int64_t width, std::int64_t kernel, Initializer& init)
    : weight(register_parameter("weight",
                                init.uniform({kernel, width}, -conv1d_bound(kernel), conv1d_bound(kernel)))),
      bias(register_parameter("bias", init.uniform({width}, -conv1d_bound(kernel), conv1d_bound(kernel)))) {}

Variable Conv1d::forward(const Variable& x, const IndexTensor& offsets) const {
  return ops::conv1d(x, weight, offsets, bias);
}

}  // namespace lrurec::nn
