#include "ops/layer_norm/layer_norm.h"

#include "ops/layer_norm/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct Normalised {
  Tensor x;  ///< dense [rows, width]
  Tensor y, mean, rstd;
};

Normalised normalise(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  if (input.rank() < 1 || weight.shape() != Shape{input.size(-1)} || bias.shape() != weight.shape() ||
      weight.dtype() != input.dtype() || bias.dtype() != input.dtype()) {
    fail_op("layer_norm", "x: {} {}, weight: {} {}, bias: {} {}: weight and bias must be [H] for x [..., H]",
            name(input.dtype()), input.shape().str(), name(weight.dtype()), weight.shape().str(),
            name(bias.dtype()), bias.shape().str());
  }
  const auto width = input.size(-1);
  Normalised n;
  n.x = input.contiguous().reshape({width == 0 ? 0 : input.numel() / width, width});
  n.y = Tensor::empty(n.x.shape(), n.x.dtype(), n.x.device());
  n.mean = Tensor::empty({n.x.size(0)}, n.x.dtype(), n.x.device());
  n.rstd = Tensor::empty({n.x.size(0)}, n.x.dtype(), n.x.device());
  const Tensor w = weight.contiguous(), b = bias.contiguous();
  dispatch_real("layer_norm", n.x.dtype(), [&]<class T>() {
    on_device("layer_norm", n.x.device(), [&](auto where) {
      kernels::layer_norm_forward(where, n.x.size(0), width, n.x.data<T>(), w.data<T>(), b.data<T>(), eps,
                                  n.y.data<T>(), n.mean.data<T>(), n.rstd.data<T>());
    });
  });
  n.y = n.y.reshape(input.shape());
  return n;
}

}  // namespace

Tensor raw::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return normalise(x, weight, bias, eps).y;
}

// dx = r (g - mean(g) - n mean(g n)), dweight = sum dy n, dbias = sum dy
Variable layer_norm(const Variable& x, const Variable& weight, const Variable& bias, double eps) {
  const Normalised n = normalise(x.value(), weight.value(), bias.value(), eps);
  return record("layer_norm", {x, weight, bias}, n.y,
                [in = n.x, mean = n.mean, rstd = n.rstd, weight = weight.value().contiguous(),
                 shape = x.shape()](const Tensor& grad, const Needs&) {
                  const Tensor dy = grad.contiguous();
                  Tensor dx = Tensor::empty(in.shape(), in.dtype(), in.device());
                  Tensor dweight = Tensor::empty(weight.shape(), in.dtype(), in.device());
                  Tensor dbias = Tensor::empty(weight.shape(), in.dtype(), in.device());
                  dispatch_real("layer_norm", in.dtype(), [&]<class T>() {
                    on_device("layer_norm", in.device(), [&](auto where) {
                      kernels::layer_norm_backward(where, in.size(0), in.size(1), dy.data<T>(), in.data<T>(),
                                                   weight.data<T>(), mean.data<T>(), rstd.data<T>(),
                                                   dx.data<T>(), dweight.data<T>(), dbias.data<T>());
                    });
                  });
                  return Tensors{dx.reshape(shape), dweight, dbias};
                });
}

}  // namespace lrurec::ops
