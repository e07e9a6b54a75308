#include "ops/gru/gru.h"

#include "ops/elementwise/elementwise.h"
#include "ops/gru/kernels.h"
#include "ops/linear/linear.h"
#include "ops/linear_scan/offsets.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct GruInputs {
  Tensor g, U, columns, c, offsets, initial;

  std::int64_t sequences() const { return offsets.numel() - 1; }
  std::int64_t tokens() const { return g.size(0); }
  std::int64_t H() const { return c.size(0); }
  Tensor empty(const Shape& shape) const { return Tensor::empty(shape, g.dtype(), g.device()); }

  template <class T>
  kernels::Gru<T> arguments() const {
    return {sequences(),
            H(),
            offsets.data<std::int64_t>(),
            g.data<T>(),
            U.data<T>(),
            columns.data<T>(),
            c.data<T>(),
            initial.defined() ? initial.data<T>() : nullptr};
  }
};

void check(const Tensor& g, const Tensor& U, const Tensor& c, const IndexTensor& offsets,
           const Tensor& initial) {
  if (g.rank() != 2 || U.rank() != 2 || c.rank() != 1 || g.size(1) != 3 * c.size(0) ||
      U.shape() != Shape{3 * c.size(0), c.size(0)} || U.dtype() != g.dtype() || c.dtype() != g.dtype()) {
    fail_op("gru", "g: {} {}, U: {} {} and c: {} {} must be [tokens, 3 H], [3 H, H] and [H] of one dtype",
            name(g.dtype()), g.shape().str(), name(U.dtype()), U.shape().str(), name(c.dtype()),
            c.shape().str());
  }
  check_offsets("gru", offsets, g.size(0));
  if (initial.defined() &&
      (initial.shape() != Shape{offsets.numel() - 1, c.size(0)} || initial.dtype() != g.dtype())) {
    fail_op("gru", "initial: {} {} must be {} [{}, {}]", name(initial.dtype()), initial.shape().str(),
            name(g.dtype()), offsets.numel() - 1, c.size(0));
  }
}

GruInputs inputs(const Tensor& g, const Tensor& U, const Tensor& c, const IndexTensor& offsets,
                 const Tensor& initial) {
  check(g, U, c, offsets, initial);
  return {g.contiguous(),
          U.contiguous(),
          U.transpose(0, 1).contiguous(),
          c.contiguous(),
          offsets.to(g.device()).values(),
          initial.defined() ? initial.contiguous() : initial};
}

raw::GruResult forward(const GruInputs& in, const Tensor& kept) {
  const Tensor h = in.empty({in.tokens(), in.H()}), last = in.empty({in.sequences(), in.H()});
  dispatch_real("gru", in.g.dtype(), [&]<class T>() {
    const KernelCall call("gru", in.g.device());
    const auto f = in.arguments<T>();
    on_device("gru", in.g.device(), [&](auto where) {
      kernels::gru_forward(where, f, h.data<T>(), last.data<T>(), kept.defined() ? kept.data<T>() : nullptr);
    });
  });
  return {h, last};
}

// dn = dh (1 - z) (1 - n^2), dz = dh (h - n) z (1 - z), dr = dn m r (1 - r);
// dg = (dr, dz, dn), da = (dr, dz, dn r), dh_{t-1} = dh z + da U;  dU = da^T h_{t-1}, dc = sum dn r.
Tensors backward(const GruInputs& in, const Tensor& h, const Tensor& kept, const Tensor& dh,
                 const Tensor& dfinal, const Needs& needs) {
  const std::int64_t n = in.tokens(), H = in.H();
  const Tensor of_h = dh.defined() ? dh.contiguous() : Tensor(),
               of_final = dfinal.defined() ? dfinal.contiguous() : Tensor();
  const Tensor dg = in.empty({n, 3 * H}), da = in.empty({n, 3 * H}), before = in.empty({n, H}),
               dinitial = needs[3] ? in.empty({in.sequences(), H}) : Tensor();
  dispatch_real("gru", in.g.dtype(), [&]<class T>() {
    const KernelCall call("gru", in.g.device());
    const auto pointer = [](const Tensor& t) { return t.defined() ? t.data<T>() : nullptr; };
    const auto f = in.arguments<T>();
    const kernels::GruGradients<T> gradients{h.data<T>(),       kept.data<T>(),   pointer(of_h),
                                             pointer(of_final), dg.data<T>(),     da.data<T>(),
                                             before.data<T>(),  pointer(dinitial)};
    on_device("gru", in.g.device(), [&](auto where) { kernels::gru_backward(where, f, gradients); });
  });
  Tensors grads(4);
  if (needs[0]) grads[0] = dg;
  if (needs[1]) grads[1] = raw::matmul(da.transpose(0, 1), before);
  if (needs[2]) grads[2] = raw::sum(da.slice(1, 2 * H, 3 * H), {0});
  if (needs[3]) grads[3] = dinitial;
  return grads;
}

}  // namespace

raw::GruResult raw::gru(const Tensor& g, const Tensor& U, const Tensor& c, const IndexTensor& offsets,
                        const Tensor& initial) {
  return forward(inputs(g, U, c, offsets, initial), {});
}

GruResult gru(const Variable& g, const Variable& U, const Variable& c, const IndexTensor& offsets,
              const Variable& initial) {
  const GruInputs in =
      inputs(g.value(), U.value(), c.value(), offsets, initial.defined() ? initial.value() : Tensor());
  const Tensor kept = in.empty({in.tokens(), 4 * in.H()});
  const auto [h, final_state] = forward(in, kept);
  const Variables outputs = record("gru", {g, U, c, initial}, Tensors{h, final_state},
                                   [in, h = h, kept](const Tensors& grads, const Needs& needs) {
                                     return backward(in, h, kept, grads[0], grads[1], needs);
                                   });
  return {outputs[0], outputs[1]};
}

GruResult gru_composed(const Variable& g, const Variable& U, const Variable& c, const IndexTensor& offsets,
                       const Variable& initial) {
  check(g.value(), U.value(), c.value(), offsets, initial.defined() ? initial.value() : Tensor());
  const std::int64_t H = c.value().size(0), sequences = offsets.numel() - 1;
  const auto at = offsets.host().to_vector<std::int64_t>();
  Variables states, last;
  for (std::int64_t s = 0; s < sequences; ++s) {
    Variable h = initial.defined() ? slice(initial, 0, s, s + 1)
                                   : Variable(Tensor::zeros({1, H}, g.dtype(), g.value().device()));
    for (std::int64_t t = at[static_cast<std::size_t>(s)]; t < at[static_cast<std::size_t>(s + 1)]; ++t) {
      const auto part = [&](const Variable& x, std::int64_t k) { return slice(x, 1, k * H, (k + 1) * H); };
      const Variable input = slice(g, 0, t, t + 1), a = linear(h, U);
      const Variable r = sigmoid(part(input, 0) + part(a, 0)), z = sigmoid(part(input, 1) + part(a, 1)),
                     n = tanh(part(input, 2) + r * (part(a, 2) + c));
      h = n + z * (h - n);  // (1 - z) n + z h
      states.push_back(h);
    }
    last.push_back(h);
  }
  const Variable none(Tensor::zeros({0, H}, g.dtype(), g.value().device()));
  states.push_back(none), last.push_back(none);
  return {concat(states, 0), concat(last, 0)};
}

}  // namespace lrurec::ops
