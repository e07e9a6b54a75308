#include "ops/feed_forward/feed_forward.h"

#include "ops/feed_forward/kernels.h"
#include "ops/matmul/bf16_products.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct FeedForwardInputs {
  Tensor x;
  raw::PackedFeedForward weights;
  DropoutMask mask;
  Tensor kept;        ///< for the backward pass, see kernels.h
  bool bf16 = false;  ///< operands of products rounded to bf16, in both passes

  FeedForwardInputs(const Tensor& x_, const raw::PackedFeedForward& weights_, double p, DropoutKey key)
      : x(x_.contiguous()), weights(weights_), mask(Philox(key.seed, key.stream), p) {
    if (x.rank() != 2 || x.size(1) != weights.W1.size(1) || x.dtype() != weights.W1.dtype()) {
      fail_op("feed_forward", "x: {} must be {} [tokens, {}] for W1: {}", describe(x_),
              name(weights.W1.dtype()), weights.W1.size(1), describe(weights.W1));
    }
    if (!(p >= 0 && p <= 1)) fail_op("feed_forward", "p = {} is not in 0..1", p);
  }

  template <class T>
  kernels::FeedForward<T> pointers() const {
    return {x.size(0), weights.pointers<T>(), weights.packed.data<T>(), x.data<T>(), mask, kept.data<T>(),
            bf16};
  }
};

// y = W2 (m gelu(W1 x + b1)) + b2
Tensor forward(FeedForwardInputs& in, bool for_backward) {
  const std::int64_t tokens = in.x.size(0), I = in.weights.W1.size(0), O = in.weights.W2.size(0);
  const DType dtype = in.x.dtype();
  const Device device = in.x.device();
  Tensor y = Tensor::empty({tokens, O}, dtype, device);
  dispatch_real("feed_forward", dtype, [&]<class T>() {
    on_device("feed_forward", device, [&](auto where) {
      in.kept =
          Tensor::empty({kernels::kept_feed_forward_size(where, tokens, I, for_backward)}, dtype, device);
      kernels::feed_forward(where, in.pointers<T>(), for_backward, y.data<T>());
    });
  });
  return y;
}

// da = W2^T dy, dz = da m gelu'(z); dx = W1^T dz, dW1 = sum dz x^T, db1 = sum dz, dW2 = sum dy (m gelu(z))^T,
// db2 = sum dy
Tensors backward(const FeedForwardInputs& in, const Tensor& dy) {
  Tensors grads;
  for (const Tensor* t : {&in.x, &in.weights.W1, &in.weights.b1, &in.weights.W2, &in.weights.b2}) {
    grads.push_back(Tensor::empty(t->shape(), t->dtype(), t->device()));
  }
  dispatch_real("feed_forward", in.x.dtype(), [&]<class T>() {
    const kernels::FeedForwardGradients<T> to{grads[0].data<T>(), grads[1].data<T>(), grads[2].data<T>(),
                                              grads[3].data<T>(), grads[4].data<T>()};
    on_device("feed_forward", in.x.device(), [&](auto where) {
      kernels::feed_forward_backward(where, in.pointers<T>(), static_cast<const T*>(dy.data<T>()), to);
    });
  });
  return grads;
}

}  // namespace

template <class T>
kernels::FeedForwardWeights<T> raw::PackedFeedForward::pointers() const {
  return {W1.size(1), W1.size(0), W2.size(0), W1.data<T>(), b1.data<T>(), W2.data<T>(), b2.data<T>()};
}

raw::PackedFeedForward raw::pack_feed_forward(const Tensor& W1, const Tensor& b1, const Tensor& W2,
                                              const Tensor& b2) {
  const bool fits = W1.rank() == 2 && W2.rank() == 2 && b1.shape() == Shape{W1.size(0)} &&
                    W2.size(1) == W1.size(0) && b2.shape() == Shape{W2.size(0)};
  const bool one_dtype = b1.dtype() == W1.dtype() && W2.dtype() == W1.dtype() && b2.dtype() == W1.dtype();
  if (!fits || !one_dtype) {
    fail_op("feed_forward", "W1: {}, b1: {}, W2: {}, b2: {} must be [I, H], [I], [O, I], [O] of one dtype",
            describe(W1), describe(b1), describe(W2), describe(b2));
  }
  PackedFeedForward weights{W1.contiguous(), b1.contiguous(), W2.contiguous(), b2.contiguous(), {}};
  dispatch_real("feed_forward", W1.dtype(), [&]<class T>() {
    on_device("feed_forward", W1.device(), [&](auto where) {
      const auto size = kernels::packed_feed_forward_size(where, W1.size(1), W1.size(0), W2.size(0));
      weights.packed = Tensor::empty({size}, W1.dtype(), W1.device());
      kernels::pack_feed_forward(where, weights.pointers<T>(), weights.packed.data<T>());
    });
  });
  return weights;
}

Tensor raw::feed_forward(const Tensor& x, const PackedFeedForward& weights) {
  FeedForwardInputs in(x, weights, /*p=*/0, {});
  return forward(in, /*for_backward=*/false);
}

Variable feed_forward(const Variable& x, const Variable& W1, const Variable& b1, const Variable& W2,
                      const Variable& b2, double p, DropoutKey key) {
  FeedForwardInputs in(x.value(), raw::pack_feed_forward(W1.value(), b1.value(), W2.value(), b2.value()), p,
                       key);
  bool wanted = false;
  for (const auto* v : {&x, &W1, &b1, &W2, &b2}) wanted |= recording() && v->requires_grad();
  in.bf16 = wanted && bf16_products();
  const Tensor y = forward(in, wanted);
  return record("feed_forward", {x, W1, b1, W2, b2}, y,
                [in](const Tensor& grad, const Needs&) { return backward(in, grad.contiguous()); });
}

}  // namespace lrurec::ops
