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
    fail_op("residual_layer_norm",
            "a: {}, x: {}, weight: {}, bias: {} must be [tokens, H], [tokens, H], [H], [H] of one dtype",
            describe(a), x.defined() ? describe(x) : "none", describe(weight), describe(bias));
  }
  if (!(p >= 0 && p <= 1)) fail_op("residual_layer_norm", "p = {} is not in 0..1", p);
}

Tensor like(const Tensor& t) { return Tensor::empty(t.shape(), t.dtype(), t.device()); }

/// Checked, dense inputs.
struct ResidualLayerNormInputs {
  Tensor a, x, weight, bias;
  double eps;
  DropoutMask mask;

  ResidualLayerNormInputs(const Tensor& a_, const Tensor& x_, const Tensor& weight_, const Tensor& bias_,
                          double eps_, double p, DropoutKey key)
      : a(a_.contiguous()),
        x(x_.defined() ? x_.contiguous() : x_),
        weight(weight_.contiguous()),
        bias(bias_.contiguous()),
        eps(eps_),
        mask(Philox(key.seed, key.stream), p) {
    check(a, x, weight, bias, p);
  }

  template <class T>
  kernels::ResidualLayerNorm<T> pointers(std::int64_t tokens) const {
    return {tokens, weight.size(0), weight.data<T>(), bias.data<T>(), eps, mask};
  }
};

/// What the backward pass needs: normalised rows, and 1 / sqrt(var + eps).
struct ResidualNormalised {
  Tensor rows, rstd;  ///< [tokens, H], [tokens]
};

// y = layer_norm(mask a + x)
Tensor forward(const ResidualLayerNormInputs& in, ResidualNormalised* kept) {
  const Tensor y = like(in.a);
  if (kept != nullptr) {
    *kept = {like(in.a), Tensor::empty({in.a.size(0)}, in.a.dtype(), in.a.device())};
  }
  dispatch_real("residual_layer_norm", in.a.dtype(), [&]<class T>() {
    on_device("residual_layer_norm", in.a.device(), [&](auto where) {
      kernels::residual_layer_norm<T>(where, in.pointers<T>(in.a.size(0)), in.a.data<T>(),
                                      in.x.defined() ? in.x.data<T>() : nullptr, y.data<T>(),
                                      kept != nullptr ? kept->rows.data<T>() : nullptr,
                                      kept != nullptr ? kept->rstd.data<T>() : nullptr);
    });
  });
  return y;
}

// g = dy weight; dx = r (g - mean(g) - n mean(g n)), da = mask dx, dweight = sum dy n, dbias = sum dy
Tensors backward(const ResidualLayerNormInputs& in, const ResidualNormalised& n, bool has_residual,
                 const Tensor& dy) {
  Tensors grads{like(n.rows), has_residual ? like(n.rows) : Tensor(), like(in.weight), like(in.bias)};
  dispatch_real("residual_layer_norm", in.weight.dtype(), [&]<class T>() {
    on_device("residual_layer_norm", in.weight.device(), [&](auto where) {
      kernels::residual_layer_norm_backward<T>(where, in.pointers<T>(n.rows.size(0)), dy.data<T>(),
                                               n.rows.data<T>(), n.rstd.data<T>(), grads[0].data<T>(),
                                               has_residual ? grads[1].data<T>() : nullptr,
                                               grads[2].data<T>(), grads[3].data<T>());
    });
  });
  return grads;
}

}  // namespace

Tensor raw::residual_layer_norm(const Tensor& a, const Tensor& x, const Tensor& weight, const Tensor& bias,
                                double eps) {
  return forward(ResidualLayerNormInputs(a, x, weight, bias, eps, /*p=*/0, {}), nullptr);
}

Variable residual_layer_norm(const Variable& a, const Variable& x, const Variable& weight,
                             const Variable& bias, double eps, double p, DropoutKey key) {
  ResidualLayerNormInputs in(a.value(), x.defined() ? x.value() : Tensor(), weight.value(), bias.value(), eps,
                             p, key);
  bool wanted = false;
  for (const auto* v : {&a, &x, &weight, &bias}) wanted |= v->defined() && v->requires_grad();
  ResidualNormalised kept;
  const Tensor y = forward(in, wanted && recording() ? &kept : nullptr);
  const bool has_residual = in.x.defined();
  in.a = in.x = Tensor();  // backward does not read them
  return record("residual_layer_norm", {a, x, weight, bias}, y,
                [in, kept, has_residual](const Tensor& dy, const Needs&) {
                  return backward(in, kept, has_residual, dy.contiguous());
                });
}

}  // namespace lrurec::ops
