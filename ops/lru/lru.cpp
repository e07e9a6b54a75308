#include "ops/lru/lru.h"

#include "ops/linear_scan/offsets.h"
#include "ops/lru/kernels.h"
#include "ops/matmul/bf16_products.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check_rows(const Tensor& x, const raw::PackedLru& weights) {
  const auto H = weights.B.size(1);
  if (x.rank() != 2 || x.size(1) != H || x.dtype() != weights.c.dtype()) {
    fail_op("lru", "x: {} must be {} [tokens, {}] for B: {}", describe(x), name(weights.c.dtype()), H,
            describe(weights.B));
  }
}

void check_initial(const raw::PackedLru& weights, const Tensor& initial, std::int64_t sequences) {
  const auto D = weights.lambda.size(0);
  if (initial.defined() &&
      (initial.shape() != Shape{sequences, D} || initial.dtype() != weights.lambda.dtype())) {
    fail_op("lru", "initial: {} must be {} [{}, {}]", describe(initial), name(weights.lambda.dtype()),
            sequences, D);
  }
}

/// Dense inputs on one device. The constructor checks `initial`; the caller has checked the rest.
struct LruInputs {
  Tensor x;
  raw::PackedLru weights;
  Tensor offsets, initial;
  Tensor host_offsets;  ///< on the CPU; kept while launches of kernels read them
  bool bf16 = false;    ///< operands of products rounded to bf16, in both passes

  LruInputs(const Tensor& x_, const raw::PackedLru& weights_, const IndexTensor& offsets_,
            const Tensor& initial_)
      : x(x_.contiguous()),
        weights(weights_),
        offsets(offsets_.to(x.device()).values()),
        initial(initial_.defined() ? initial_.contiguous() : initial_),
        host_offsets(offsets_.host()) {
    check_initial(weights, initial, sequences());
  }

  std::int64_t sequences() const { return offsets.numel() - 1; }

  template <class T>
  kernels::Lru<T> pointers() const {
    return {sequences(),
            reinterpret_cast<const std::int64_t*>(host_offsets.raw()),
            offsets.data<std::int64_t>(),
            weights.pointers<T>(),
            weights.packed.data<T>(),
            x.data<T>(),
            initial.defined() ? initial.data<std::complex<T>>() : nullptr,
            bf16};
  }
};

/// Which tokens' y is wanted.
enum class Tokens { all, last };

struct Outputs {
  Tensor y, final_state;
  Tensor states;  ///< [tokens, 2, D]: what backward needs
};

// h_t = lambda h_{t-1} + B x_t + b,  y_t = Re(C h_t) + c
Outputs forward(const LruInputs& in, Tokens tokens, bool keep_states, const Tensor& final_state = {}) {
  const auto D = in.weights.lambda.size(0), O = in.weights.C.size(0);
  const DType real = in.x.dtype();
  const Device device = in.x.device();
  Outputs out;
  out.y = Tensor::empty({tokens == Tokens::all ? in.x.size(0) : in.sequences(), O}, real, device);
  out.final_state = final_state.defined()
                        ? final_state
                        : Tensor::empty({in.sequences(), D}, in.weights.lambda.dtype(), device);
  // A GPU's states pass through memory whether backward wants them or not.
  if (keep_states || device.is_cuda()) out.states = Tensor::empty({in.x.size(0), 2, D}, real, device);
  dispatch_real("lru", real, [&]<class T>() {
    const KernelCall call("lru", device);
    kernels::LruOutputs<T> to;
    (tokens == Tokens::all ? to.y : to.y_last) = out.y.data<T>();
    to.final_state = out.final_state.data<std::complex<T>>();
    if (out.states.defined()) to.states = out.states.data<T>();
    on_device("lru", device, [&](auto where) { kernels::lru_forward(where, in.pointers<T>(), to); });
  });
  return out;
}

// dh = C^H dy, g_t = dh_t + conj(lambda) g_{t+1}; dx = Re(B^H g), dB = sum g x^T, db = sum g,
// dC = sum dy conj(h)^T, dc = sum dy, dlambda = sum g_t conj(h_{t-1}), dinitial = conj(lambda) g_1
Tensors backward(const LruInputs& in, const Tensor& states, const Tensor& dy, const Tensor& dfinal) {
  const auto like = [](const Tensor& t) { return Tensor::empty(t.shape(), t.dtype(), t.device()); };
  const auto& w = in.weights;
  Tensors grads{like(in.x), like(w.lambda), like(w.B), like(w.b), like(w.C), like(w.c)};
  grads.push_back(in.initial.defined() ? like(in.initial) : Tensor());
  const Tensor gradient = dy.defined() ? dy.contiguous() : Tensor();
  const Tensor final_gradient = dfinal.defined() ? dfinal.contiguous() : Tensor();
  dispatch_real("lru", in.x.dtype(), [&]<class T>() {
    using Z = std::complex<T>;
    const KernelCall call("lru", in.x.device());
    kernels::LruGradients<T> to;
    if (gradient.defined()) to.dy = gradient.data<T>();
    if (final_gradient.defined()) to.dfinal = final_gradient.data<Z>();
    to.dx = grads[0].data<T>();
    to.dlambda = grads[1].data<Z>();
    to.dB = grads[2].data<Z>();
    to.db = grads[3].data<Z>();
    to.dC = grads[4].data<Z>();
    to.dc = grads[5].data<T>();
    if (grads[6].defined()) to.dinitial = grads[6].data<Z>();
    on_device("lru", in.x.device(), [&](auto where) {
      kernels::lru_backward(where, in.pointers<T>(), static_cast<const T*>(states.data<T>()), to);
    });
  });
  return grads;
}

}  // namespace

template <class T>
kernels::LruWeights<T> raw::PackedLru::pointers() const {
  using Z = std::complex<T>;
  return {B.size(1),   B.size(0),   C.size(0),   lambda.data<Z>(),
          B.data<Z>(), b.data<Z>(), C.data<Z>(), c.data<T>()};
}

raw::PackedLru raw::pack_lru(const Tensor& lambda, const Tensor& B, const Tensor& b, const Tensor& C,
                             const Tensor& c) {
  const DType z = lambda.dtype();
  const bool in = lambda.rank() == 1 && is_complex(z) && B.rank() == 2 && B.size(0) == lambda.size(0) &&
                  b.shape() == lambda.shape() && B.dtype() == z && b.dtype() == z;
  if (!in) {
    fail_op("lru", "lambda: {}, B: {}, b: {} must be complex [D], [D, H], [D] of one dtype", describe(lambda),
            describe(B), describe(b));
  }
  const bool out = C.rank() == 2 && C.size(1) == lambda.size(0) && C.dtype() == z &&
                   c.shape() == Shape{C.size(0)} && c.dtype() == real_of(z);
  if (!out) {
    fail_op("lru", "C: {}, c: {} must be {} [O, D] and {} [O] for lambda: {}", describe(C), describe(c),
            name(z), name(real_of(z)), describe(lambda));
  }
  PackedLru weights{lambda.contiguous(), B.contiguous(), b.contiguous(), C.contiguous(), c.contiguous(), {}};
  dispatch_real("lru", c.dtype(), [&]<class T>() {
    on_device("lru", c.device(), [&](auto where) {
      const auto size = kernels::packed_lru_size(where, B.size(1), B.size(0), C.size(0));
      weights.packed = Tensor::empty({size}, c.dtype(), c.device());
      kernels::pack_lru(where, weights.pointers<T>(), weights.packed.data<T>());
    });
  });
  return weights;
}

Tensor raw::lru_last(const Tensor& x, const PackedLru& weights, const IndexTensor& offsets) {
  check_rows(x, weights);
  check_offsets("lru", offsets, x.size(0));
  return forward(LruInputs(x, weights, offsets, {}), Tokens::last, /*keep_states=*/false).y;
}

Tensor raw::lru_step(const Tensor& x, const PackedLru& weights, const Tensor& state) {
  check_rows(x, weights);
  if (!state.is_contiguous()) fail_op("lru", "state: {} must be dense", describe(state));
  // `state` is both the initial and the final state: each sequence reads its row before it writes it.
  const Outputs out = forward(LruInputs(x, weights, offsets_of_steps(x.size(0)), state), Tokens::all,
                              /*keep_states=*/false, state);
  state.mark_changed();
  return out.y;
}

LruResult lru(const Variable& x, const Variable& lambda, const Variable& B, const Variable& b,
              const Variable& C, const Variable& c, const IndexTensor& offsets, const Variable& initial) {
  const raw::PackedLru weights = raw::pack_lru(lambda.value(), B.value(), b.value(), C.value(), c.value());
  check_rows(x.value(), weights);
  check_offsets("lru", offsets, x.size(0));
  LruInputs in(x.value(), weights, offsets, initial.defined() ? initial.value() : Tensor());
  bool wanted = false;
  for (const auto* v : {&x, &lambda, &B, &b, &C, &c, &initial}) wanted |= v->defined() && v->requires_grad();
  wanted &= recording();
  in.bf16 = wanted && bf16_products();
  const Outputs out = forward(in, Tokens::all, wanted);
  const Variables results = record("lru", {x, lambda, B, b, C, c, initial}, Tensors{out.y, out.final_state},
                                   [in, states = out.states](const Tensors& grads, const Needs&) {
                                     return backward(in, states, grads[0], grads[1]);
                                   });
  return {results[0], results[1]};
}

}  // namespace lrurec::ops
