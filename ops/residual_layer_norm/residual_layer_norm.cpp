#include "ops/residual_layer_norm/residual_layer_norm.h"

#include "ops/residual_layer_norm/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check(const Tensor& a, const Tensor& x, const Tensor& weight, const Tensor& bias, double p) {
  const bool fits = a.rank() == 2 && (!x.defined() || x.shape() == a.shape()) &&
                    weight.shape() == Shape{a.size(1)} && bias.shape() == weight.shape();
  const bool one_dtype =
      weight.dtype() == a.dtype() && bias.dtype() == a.dtype() && (!x.defined() || x.dtype() == a.dtype());
  if (!fits || !one_dtype) {
    const auto describe = [](const Tensor& t) {
      return fmt::format("{} {}", name(t.dtype()), t.shape().str());
    };
    fail_op("residual_layer_norm",
            "a: {}, x: {}, weight: {}, bias: {} must be [tokens, H], [tokens, H], [H], [H] of one dtype",
            describe(a), x.defined() ? describe(x) : "none", describe(weight), describe(bias));
  }
  if (!(p >= 0 && p <= 1)) fail_op("residual_layer_norm", "p = {} is not in 0..1", p);
}

}  // namespace

// g = dy weight; dx = r (g - mean(g) - n mean(g n)), da = mask dx, dweight = sum dy n, dbias = sum dy
Variable residual_layer_norm(const Variable& a, const Variable& x, const Variable& weight,
                             const Variable& bias, double eps, double p, DropoutKey key) {
  check(a.value(), x.defined() ? x.value() : Tensor(), weight.value(), bias.value(), p);
  const Tensor in = a.value().contiguous(), residual = x.defined() ? x.value().contiguous() : Tensor();
  const Tensor w = weight.value().contiguous(), b = bias.value().contiguous();
  bool wanted = false;
  for (const auto* v : {&a, &x, &weight, &bias}) wanted |= v->defined() && v->requires_grad();
  const DropoutMask mask(Philox(key.seed, key.stream), p);

  const auto like = [](const Tensor& t) { return Tensor::empty(t.shape(), t.dtype(), t.device()); };
  Tensor y = like(in), normal, rstd;
  if (wanted && recording()) {
    normal = like(in);
    rstd = Tensor::empty({in.size(0)}, in.dtype(), in.device());
  }
  dispatch_real("residual_layer_norm", in.dtype(), [&]<class T>() {
    on_device("residual_layer_norm", in.device(), [&](auto where) {
      const kernels::ResidualLayerNorm<T> f{in.size(0), in.size(1), w.data<T>(), b.data<T>(), eps, mask};
      kernels::residual_layer_norm<T>(
          where, f, in.data<T>(), residual.defined() ? residual.data<T>() : nullptr, y.data<T>(),
          normal.defined() ? normal.data<T>() : nullptr, rstd.defined() ? rstd.data<T>() : nullptr);
    });
  });
  return record("residual_layer_norm", {a, x, weight, bias}, y,
                [=, has_residual = residual.defined()](const Tensor& grad, const Needs&) {
                  const Tensor dy = grad.contiguous();
                  Tensors grads{like(normal), has_residual ? like(normal) : Tensor(), like(w), like(b)};
                  dispatch_real("residual_layer_norm", w.dtype(), [&]<class T>() {
                    on_device("residual_layer_norm", w.device(), [&](auto where) {
                      const kernels::ResidualLayerNorm<T> f{
                          normal.size(0), normal.size(1), w.data<T>(), b.data<T>(), eps, mask};
                      kernels::residual_layer_norm_backward<T>(where, f, dy.data<T>(), normal.data<T>(),
                                                               rstd.data<T>(), grads[0].data<T>(),
                                                               has_residual ? grads[1].data<T>() : nullptr,
                                                               grads[2].data<T>(), grads[3].data<T>());
                    });
                  });
                  return grads;
                });
}

}  // namespace lrurec::ops
