#pragma once
// A short causal convolution along time, like the one before the recurrence of Mamba and Griffin.

#include "nn/init.h"
#include "nn/module.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// ops::conv1d as a layer: every channel by itself (depthwise), over packed sequences; weight: [kernel,
/// width], bias: [width]. Weights begin uniform in +-1 / sqrt(kernel), as in PyTorch's Conv1d with groups =
/// width.
class Conv1d : public Module {
 public:
  Conv1d(std::int64_t width, std::int64_t kernel, Initializer& init);
  /// x: [tokens, width], offsets: i64 [S + 1] (see ops::linear_scan) -> [tokens, width].
  Variable forward(const Variable& x, const IndexTensor& offsets) const;

  Variable weight, bias;
};

}  // namespace lrurec::nn
