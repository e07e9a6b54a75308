#include "ops/conv1d/conv1d.h"

#include "ops/conv1d/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/offsets.h"
#include "ops/shape/shape_ops.h"
#include "ops/shift/shift.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check_conv1d(const Tensor& x, const Tensor& weight, const IndexTensor& offsets, const Tensor& bias) {
  const bool fits = x.rank() == 2 && weight.rank() == 2 && weight.size(0) > 0 &&
                    weight.size(1) == x.size(1) && weight.dtype() == x.dtype() && !is_complex(x.dtype());
  if (!fits) {
    fail_op("conv1d", "x: {} {} and weight: {} {} must be real [tokens, D] and [K, D], K > 0, of one dtype",
            name(x.dtype()), x.shape().str(), name(weight.dtype()), weight.shape().str());
  }
  if (bias.defined() && (bias.shape() != Shape{x.size(1)} || bias.dtype() != x.dtype())) {
    fail_op("conv1d", "bias: {} {} must be {} [{}]", name(bias.dtype()), bias.shape().str(), name(x.dtype()),
            x.size(1));
  }
  check_offsets("conv1d", offsets, x.size(0));
}

struct ConvInputs {
  Tensor x, weight, offsets;  ///< dense, on one device

  /// run(where, arguments)
  template <class F>
  void dispatch(F&& run) const {
    dispatch_real("conv1d", x.dtype(), [&]<class T>() {
      const KernelCall call("conv1d", x.device());
      const kernels::Conv1d<T> f{offsets.numel() - 1,          x.size(0),   x.size(1),       weight.size(0),
                                 offsets.data<std::int64_t>(), x.data<T>(), weight.data<T>()};
      on_device("conv1d", x.device(), [&](auto where) { run.template operator()<T>(where, f); });
    });
  }
};

ConvInputs conv_inputs(const Tensor& x, const Tensor& weight, const IndexTensor& offsets,
                       const Tensor& bias) {
  check_conv1d(x, weight, offsets, bias);
  return {x.contiguous(), weight.contiguous(), offsets.to(x.device()).values()};
}

Tensor conv_forward(const ConvInputs& in, const Tensor& bias) {
  const Tensor y = Tensor::empty(in.x.shape(), in.x.dtype(), in.x.device());
  const Tensor b = bias.defined() ? bias.contiguous() : bias;
  in.dispatch([&]<class T>(auto where, const kernels::Conv1d<T>& f) {
    kernels::conv1d_forward<T>(where, f, b.defined() ? b.data<T>() : nullptr, y.data<T>());
  });
  return y;
}

}  // namespace

Tensor raw::conv1d(const Tensor& x, const Tensor& weight, const IndexTensor& offsets, const Tensor& bias) {
  return conv_forward(conv_inputs(x, weight, offsets, bias), bias);
}

// dx_t = sum_k weight[k] dy_{t+k}, dweight[k] = sum_t dy_t x_{t-k}, dbias = sum_t dy_t
Variable conv1d(const Variable& x, const Variable& weight, const IndexTensor& offsets, const Variable& bias) {
  const Tensor b = bias.defined() ? bias.value() : Tensor();
  const ConvInputs in = conv_inputs(x.value(), weight.value(), offsets, b);
  return record("conv1d", {x, weight, bias}, conv_forward(in, b), [in](const Tensor& grad, const Needs&) {
    const std::int64_t K = in.weight.size(0), D = in.weight.size(1);
    const Tensor dy = grad.contiguous(), dx = Tensor::empty(in.x.shape(), dy.dtype(), dy.device()),
                 dparameters = Tensor::empty({K + 1, D}, dy.dtype(), dy.device());
    in.dispatch([&]<class T>(auto where, const kernels::Conv1d<T>& f) {
      kernels::conv1d_backward<T>(where, f, dy.data<T>(), dx.data<T>(), dparameters.data<T>());
    });
    return Tensors{dx, dparameters.slice(0, 0, K), dparameters.select(0, K)};
  });
}

Variable conv1d_composed(const Variable& x, const Variable& weight, const IndexTensor& offsets,
                         const Variable& bias) {
  check_conv1d(x.value(), weight.value(), offsets, bias.defined() ? bias.value() : Tensor());
  Variable before = x, y = x * slice(weight, 0, 0, 1);
  for (std::int64_t k = 1; k < weight.size(0); ++k) {
    before = shift(before, offsets);
    y = y + before * slice(weight, 0, k, k + 1);
  }
  return bias.defined() ? y + bias : y;
}

}  // namespace lrurec::ops
