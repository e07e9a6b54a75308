#include "ops/wkv/wkv.h"

#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/linear_scan.h"
#include "ops/linear_scan/offsets.h"
#include "ops/reduce/reduce.h"
#include "ops/shift/shift.h"
#include "ops/wkv/kernels.h"
#include "ops/wkv/recurrence.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct WkvInputs {
  Tensor k, v, w, u, offsets;

  std::int64_t sequences() const { return offsets.numel() - 1; }
  std::int64_t tokens() const { return k.size(0); }
  std::int64_t H() const { return k.size(1); }
  Tensor empty(const Shape& shape) const { return Tensor::empty(shape, k.dtype(), k.device()); }

  /// f<T>(device, arguments)
  template <class F>
  void run(F&& f) const {
    dispatch_real("wkv", k.dtype(), [&]<class T>() {
      const KernelCall call("wkv", k.device());
      const kernels::Wkv<T> arguments{sequences(), tokens(),    H(),         offsets.data<std::int64_t>(),
                                      k.data<T>(), v.data<T>(), w.data<T>(), u.data<T>()};
      on_device("wkv", k.device(), [&](auto where) { f.template operator()<T>(where, arguments); });
    });
  }
};

WkvInputs wkv_inputs(const Tensor& k, const Tensor& v, const Tensor& w, const Tensor& u,
                     const IndexTensor& offsets) {
  const DType dtype = k.dtype();
  if (k.rank() != 2 || v.shape() != k.shape() || w.shape() != Shape{k.size(1)} || u.shape() != w.shape() ||
      v.dtype() != dtype || w.dtype() != dtype || u.dtype() != dtype) {
    fail_op("wkv", "k: {}, v: {}, w: {} and u: {} must be [tokens, H] twice and [H] twice, of one dtype",
            k.shape().str(), v.shape().str(), w.shape().str(), u.shape().str());
  }
  check_offsets("wkv", offsets, k.size(0));
  return {k.contiguous(), v.contiguous(), w.contiguous(), u.contiguous(), offsets.to(k.device()).values()};
}

raw::WkvResult forward(const WkvInputs& in, const Tensor& state, const Tensor& before) {
  const Tensor y = in.empty({in.tokens(), in.H()});
  const Tensor carried = state.defined()
                             ? state.contiguous().clone()
                             : raw::wkv_state(in.sequences(), in.H(), in.k.dtype(), in.k.device());
  in.run([&]<class T>(auto where, const kernels::Wkv<T>& f) {
    kernels::wkv_forward(where, f, y.data<T>(), carried.data<T>(),
                         before.defined() ? before.data<T>() : nullptr);
  });
  return {y, carried};
}

}  // namespace

Tensor raw::wkv_state(std::int64_t sequences, std::int64_t H, DType dtype, Device device) {
  Tensor state = Tensor::zeros({sequences, 3 * H}, dtype, device);
  state.slice(1, 2 * H, 3 * H).copy_(Tensor::full({1}, kernels::wkv::lowest, dtype).to(device));
  return state;
}

raw::WkvResult raw::wkv(const Tensor& k, const Tensor& v, const Tensor& w, const Tensor& u,
                        const IndexTensor& offsets, const Tensor& state) {
  const WkvInputs in = wkv_inputs(k, v, w, u, offsets);
  if (state.defined() && (state.shape() != Shape{in.sequences(), 3 * in.H()} || state.dtype() != k.dtype())) {
    fail_op("wkv", "state: {} {} must be {} [{}, {}]", name(state.dtype()), state.shape().str(),
            name(k.dtype()), in.sequences(), 3 * in.H());
  }
  return forward(in, state, {});
}

// dv_t = e^{k_t} (G_t + e^u gN_t), dk_t = e^{k_t} ((G_t + e^u gN_t) v_t + G'_t + e^u gD_t): see the header,
// and recurrence.h for the form that cannot overflow.
Variable wkv(const Variable& k, const Variable& v, const Variable& w, const Variable& u,
             const IndexTensor& offsets) {
  const WkvInputs in = wkv_inputs(k.value(), v.value(), w.value(), u.value(), offsets);
  const Tensor before = in.empty({in.tokens(), 3 * in.H()});
  const Tensor y = forward(in, {}, before).y;
  return record("wkv", {k, v, w, u}, y, [in, before](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), dk = in.empty(in.k.shape()), dv = in.empty(in.k.shape());
    const Tensor dw = in.empty({in.sequences(), in.H()}), du = in.empty({in.sequences(), in.H()});
    in.run([&]<class T>(auto where, const kernels::Wkv<T>& f) {
      const kernels::WkvGradients<T> out{before.data<T>(), dy.data<T>(), dk.data<T>(),
                                         dv.data<T>(),     dw.data<T>(), du.data<T>()};
      kernels::wkv_backward(where, f, out);
    });
    return Tensors{dk, dv, raw::sum(dw, {0}), raw::sum(du, {0})};
  });
}

Variable wkv_composed(const Variable& k, const Variable& v, const Variable& w, const Variable& u,
                      const IndexTensor& offsets) {
  wkv_inputs(k.value(), v.value(), w.value(), u.value(), offsets);
  const Variable decay = exp(-w), weight = exp(k), now = exp(u + k);
  const auto before = [&](const Variable& x) {
    return shift(linear_scan(decay, x, offsets).states, offsets);
  };
  return (before(weight * v) + now * v) / (before(weight) + now);
}

}  // namespace lrurec::ops
