#include "ops/rms_norm/rms_norm.h"

#include "ops/elementwise/elementwise.h"
#include "ops/reduce/reduce.h"
#include "ops/rms_norm/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check_rms_norm(const Tensor& x, const Tensor& weight) {
  if (x.rank() < 1 || weight.shape() != Shape{x.size(-1)} || weight.dtype() != x.dtype()) {
    fail_op("rms_norm", "x: {} {}, weight: {} {}: weight must be [H] for x [..., H]", name(x.dtype()),
            x.shape().str(), name(weight.dtype()), weight.shape().str());
  }
}

struct RmsNormalised {
  Tensor x;  ///< dense [rows, width]
  Tensor weight, y, scale;
};

RmsNormalised rms_normalise(const Tensor& input, const Tensor& weight, double eps) {
  check_rms_norm(input, weight);
  const auto width = input.size(-1);
  RmsNormalised n;
  n.x = input.contiguous().reshape({width == 0 ? 0 : input.numel() / width, width});
  n.weight = weight.contiguous();
  n.y = Tensor::empty(n.x.shape(), n.x.dtype(), n.x.device());
  n.scale = Tensor::empty({n.x.size(0)}, n.x.dtype(), n.x.device());
  dispatch_real("rms_norm", n.x.dtype(), [&]<class T>() {
    on_device("rms_norm", n.x.device(), [&](auto where) {
      kernels::rms_norm_forward(where, n.x.size(0), width, n.x.data<T>(), n.weight.data<T>(), eps,
                                n.y.data<T>(), n.scale.data<T>());
    });
  });
  n.y = n.y.reshape(input.shape());
  return n;
}

}  // namespace

Tensor raw::rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return rms_normalise(x, weight, eps).y;
}

// dx = r (g - n mean(g n)), dweight = sum dy n
Variable rms_norm(const Variable& x, const Variable& weight, double eps) {
  const RmsNormalised n = rms_normalise(x.value(), weight.value(), eps);
  return record(
      "rms_norm", {x, weight}, n.y,
      [in = n.x, scale = n.scale, weight = n.weight, shape = x.shape()](const Tensor& grad, const Needs&) {
        const Tensor dy = grad.contiguous();
        const Tensor dx = Tensor::empty(in.shape(), in.dtype(), in.device());
        const Tensor dweight = Tensor::empty(weight.shape(), in.dtype(), in.device());
        dispatch_real("rms_norm", in.dtype(), [&]<class T>() {
          on_device("rms_norm", in.device(), [&](auto where) {
            kernels::rms_norm_backward(where, in.size(0), in.size(1), dy.data<T>(), in.data<T>(),
                                       weight.data<T>(), scale.data<T>(), dx.data<T>(), dweight.data<T>());
          });
        });
        return Tensors{dx.reshape(shape), dweight};
      });
}

Variable rms_norm_composed(const Variable& x, const Variable& weight, double eps) {
  check_rms_norm(x.value(), weight.value());
  return weight * (x / sqrt(mean(square(x), {-1}, /*keep_dims=*/true) + eps));
}

}  // namespace lrurec::ops
