#include "ops/diagonal_ssm/diagonal_ssm.h"

#include "ops/complex/complex.h"
#include "ops/diagonal_ssm/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/linear_scan.h"
#include "ops/linear_scan/offsets.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct DiagonalSsmInputs {
  Tensor u, lambda, c, offsets;

  std::int64_t sequences() const { return offsets.numel() - 1; }
  std::int64_t H() const { return lambda.size(0); }
  std::int64_t N() const { return lambda.size(1); }
  Tensor states() const { return Tensor::zeros({sequences(), H() * N()}, lambda.dtype(), u.device()); }

  /// f<T>(device, arguments)
  template <class F>
  void run(F&& f) const {
    dispatch_real("diagonal_ssm", u.dtype(), [&]<class T>() {
      const KernelCall call("diagonal_ssm", u.device());
      const kernels::DiagonalSsm<T> arguments{sequences(),
                                              u.size(0),
                                              H(),
                                              N(),
                                              offsets.data<std::int64_t>(),
                                              u.data<T>(),
                                              lambda.view_as_real().data<T>(),
                                              c.view_as_real().data<T>()};
      on_device("diagonal_ssm", u.device(), [&](auto where) { f.template operator()<T>(where, arguments); });
    });
  }
};

DiagonalSsmInputs inputs(const Tensor& u, const Tensor& lambda, const Tensor& c, const IndexTensor& offsets) {
  if (u.rank() != 2 || lambda.rank() != 2 || lambda.size(0) != u.size(1) || c.shape() != lambda.shape() ||
      lambda.dtype() != complex_of(u.dtype()) || c.dtype() != lambda.dtype()) {
    fail_op("diagonal_ssm",
            "u: {} {}, lambda: {} {} and c: {} {} must be [tokens, H] and [H, N] twice, complex",
            name(u.dtype()), u.shape().str(), name(lambda.dtype()), lambda.shape().str(), name(c.dtype()),
            c.shape().str());
  }
  check_offsets("diagonal_ssm", offsets, u.size(0));
  return {u.contiguous(), lambda.contiguous(), c.contiguous(), offsets.to(u.device()).values()};
}

raw::DiagonalSsmResult forward(const DiagonalSsmInputs& in, const Tensor& initial) {
  const Tensor y = Tensor::empty(in.u.shape(), in.u.dtype(), in.u.device());
  const Tensor state = initial.defined() ? initial.contiguous().clone() : in.states();
  in.run([&]<class T>(auto where, const kernels::DiagonalSsm<T>& f) {
    kernels::diagonal_ssm_forward(where, f, y.data<T>(), state.view_as_real().data<T>());
  });
  return {y, state};
}

}  // namespace

raw::DiagonalSsmResult raw::diagonal_ssm(const Tensor& u, const Tensor& lambda, const Tensor& c,
                                         const IndexTensor& offsets, const Tensor& state) {
  const DiagonalSsmInputs in = inputs(u, lambda, c, offsets);
  if (state.defined() &&
      (state.shape() != Shape{in.sequences(), in.H() * in.N()} || state.dtype() != lambda.dtype())) {
    fail_op("diagonal_ssm", "state: {} {} must be {} [{}, {}]", name(state.dtype()), state.shape().str(),
            name(lambda.dtype()), in.sequences(), in.H() * in.N());
  }
  return forward(in, state);
}

// g_t = conj(lambda) g_{t+1} + 2 conj(c) dy_t;  du_t = sum_n Re g_t,  dlambda = sum g_t conj(s_{t-1}),
// dc = sum 2 dy_t conj(s_t). The backward pass computes the states again.
Variable diagonal_ssm(const Variable& u, const Variable& lambda, const Variable& c,
                      const IndexTensor& offsets) {
  const DiagonalSsmInputs in = inputs(u.value(), lambda.value(), c.value(), offsets);
  return record("diagonal_ssm", {u, lambda, c}, forward(in, {}).y, [in](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), du = Tensor::empty(in.u.shape(), in.u.dtype(), in.u.device());
    const Tensor dlambda = in.states(), dc = in.states();
    in.run([&]<class T>(auto where, const kernels::DiagonalSsm<T>& f) {
      kernels::diagonal_ssm_backward(where, f, dy.data<T>(), du.data<T>(), dlambda.view_as_real().data<T>(),
                                     dc.view_as_real().data<T>());
    });
    const auto total = [&](const Tensor& parts) { return raw::sum(parts, {0}).reshape(in.lambda.shape()); };
    return Tensors{du, total(dlambda), total(dc)};
  });
}

Variable diagonal_ssm_composed(const Variable& u, const Variable& lambda, const Variable& c,
                               const IndexTensor& offsets) {
  const DiagonalSsmInputs in = inputs(u.value(), lambda.value(), c.value(), offsets);
  const std::int64_t n = in.u.size(0), H = in.H(), N = in.N();
  const Variable ones(Tensor::full({1, 1, N}, 1, in.u.dtype()).to(in.u.device()));
  const Variable spread = reshape(reshape(u, {n, H, 1}) * ones, {n, H * N});
  const Variable zeros(Tensor::zeros({n, H * N}, in.u.dtype(), in.u.device()));
  const Variable states = linear_scan(reshape(lambda, {H * N}), complex(spread, zeros), offsets).states;
  return sum(real(reshape(states, {n, H, N}) * c), {2}) * 2.0;
}

}  // namespace lrurec::ops
