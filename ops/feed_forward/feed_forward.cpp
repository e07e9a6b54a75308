#include "ops/feed_forward/feed_forward.h"

#include "ops/feed_forward/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct Inputs {
  Tensor x, W1, b1, W2, b2;
  double p;
  DropoutKey key;

  template <class T>
  cpu::FeedForward<T> pointers() const {
    return {x.size(0),
            x.size(1),
            W1.size(0),
            W2.size(0),
            x.data<T>(),
            W1.data<T>(),
            b1.data<T>(),
            W2.data<T>(),
            b2.data<T>(),
            p,
            Philox(key.seed, key.stream)};
  }
};

Inputs check(const Tensor& x, const Tensor& W1, const Tensor& b1, const Tensor& W2, const Tensor& b2,
             double p, DropoutKey key) {
  const bool fits = x.rank() == 2 && W1.rank() == 2 && W2.rank() == 2 && W1.size(1) == x.size(1) &&
                    b1.shape() == Shape{W1.size(0)} && W2.size(1) == W1.size(0) &&
                    b2.shape() == Shape{W2.size(0)};
  const bool one_dtype = W1.dtype() == x.dtype() && b1.dtype() == x.dtype() && W2.dtype() == x.dtype() &&
                         b2.dtype() == x.dtype();
  if (!fits || !one_dtype) {
    const auto describe = [](const Tensor& t) {
      return fmt::format("{} {}", name(t.dtype()), t.shape().str());
    };
    fail_op(
        "feed_forward",
        "x: {}, W1: {}, b1: {}, W2: {}, b2: {} must be [tokens, H], [I, H], [I], [O, I], [O] of one dtype",
        describe(x), describe(W1), describe(b1), describe(W2), describe(b2));
  }
  if (!(p >= 0 && p <= 1)) fail_op("feed_forward", "p = {} is not in 0..1", p);
  return {x.contiguous(), W1.contiguous(), b1.contiguous(), W2.contiguous(), b2.contiguous(), p, key};
}

/// What the GPU keeps for the backward, [tokens, I] each (kernels.h); the CPU computes it again.
struct Kept {
  bool wanted = false;
  Tensor z, a;
};

template <class T>
void forward(Cpu, const Inputs& in, Kept&, Tensor& y) {
  const auto pointers = in.pointers<T>();
  cpu::feed_forward(pointers, cpu::FeedForwardTransposed<T>(pointers), y.data<T>());
}

template <class T>
void forward(Cuda where, const Inputs& in, Kept& kept, Tensor& y) {
  const auto hidden = [&] {
    return Tensor::empty({in.x.size(0), in.W1.size(0)}, in.x.dtype(), in.x.device());
  };
  kept.z = hidden();
  kept.a = kept.wanted ? hidden() : kept.z;
  y.copy_(in.b2);
  kernels::feed_forward(where, in.pointers<T>(), kept.z.data<T>(), kept.a.data<T>(), y.data<T>());
}

template <class T>
void backward(Cpu, const Inputs& in, const Kept&, const Tensor& dy,
              const cpu::FeedForwardGradients<T>& gradients) {
  cpu::feed_forward_backward<T>(in.pointers<T>(), dy.data<T>(), gradients);
}

template <class T>
void backward(Cuda where, const Inputs& in, const Kept& kept, const Tensor& dy,
              const cpu::FeedForwardGradients<T>& gradients) {
  kernels::feed_forward_backward<T>(where, in.pointers<T>(), kept.z.data<T>(), kept.a.data<T>(), dy.data<T>(),
                                    gradients);
}

}  // namespace

// da = W2^T dy, dz = da m gelu'(z); dx = W1^T dz, dW1 = sum dz x^T, db1 = sum dz, dW2 = sum dy (m gelu(z))^T,
// db2 = sum dy
Variable feed_forward(const Variable& x, const Variable& W1, const Variable& b1, const Variable& W2,
                      const Variable& b2, double p, DropoutKey key) {
  const Inputs in = check(x.value(), W1.value(), b1.value(), W2.value(), b2.value(), p, key);
  Tensor y = Tensor::empty({in.x.size(0), in.W2.size(0)}, in.x.dtype(), in.x.device());
  Kept kept;
  for (const auto* v : {&x, &W1, &b1, &W2, &b2}) kept.wanted |= recording() && v->requires_grad();
  dispatch_real("feed_forward", in.x.dtype(), [&]<class T>() {
    on_device("feed_forward", in.x.device(), [&](auto where) { forward<T>(where, in, kept, y); });
  });
  return record("feed_forward", {x, W1, b1, W2, b2}, y, [in, kept](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous();
    Tensors grads;
    for (const Tensor* t : {&in.x, &in.W1, &in.b1, &in.W2, &in.b2}) {
      grads.push_back(Tensor::empty(t->shape(), t->dtype(), t->device()));
    }
    dispatch_real("feed_forward", in.x.dtype(), [&]<class T>() {
      const cpu::FeedForwardGradients<T> gradients{grads[0].data<T>(), grads[1].data<T>(), grads[2].data<T>(),
                                                   grads[3].data<T>(), grads[4].data<T>()};
      on_device("feed_forward", in.x.device(),
                [&](auto where) { backward<T>(where, in, kept, dy, gradients); });
    });
    return grads;
  });
}

}  // namespace lrurec::ops
