#include "ops/lru/lru.h"

#include "ops/linear_scan/offsets.h"
#include "ops/lru/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

/// Dense inputs that fit each other.
struct Inputs {
  Tensor x, lambda, B, b, C, c, offsets, initial;
  Tensor host_offsets;  ///< on the CPU, for as long as kernels' launches read them

  DType real() const { return x.dtype(); }
  DType complex() const { return lambda.dtype(); }
  std::int64_t sequences() const { return offsets.numel() - 1; }

  cpu::LruShape shape() const {
    return {sequences(), B.size(1), B.size(0), C.size(0), offsets.data<std::int64_t>()};
  }
  template <class T>
  cpu::LruInputs<T> pointers() const {
    using Z = std::complex<T>;
    return {x.data<T>(),
            lambda.data<Z>(),
            B.data<Z>(),
            b.data<Z>(),
            C.data<Z>(),
            c.data<T>(),
            initial.defined() ? initial.data<Z>() : nullptr};
  }
};

Inputs check(const Tensor& x, const Tensor& lambda, const Tensor& B, const Tensor& b, const Tensor& C,
             const Tensor& c, const Tensor& offsets, const Tensor& initial) {
  const auto describe = [](const Tensor& t) {
    return fmt::format("{} {}", name(t.dtype()), t.shape().str());
  };
  if (x.rank() != 2 || !is_inexact(x.dtype()) || is_complex(x.dtype())) {
    fail_op("lru", "x: {} must be f32 or f64 [tokens, H]", describe(x));
  }
  const DType z = complex_of(x.dtype());
  const bool in = lambda.rank() == 1 && B.shape() == Shape{lambda.size(0), x.size(1)} &&
                  b.shape() == lambda.shape() && lambda.dtype() == z && B.dtype() == z && b.dtype() == z;
  if (!in) {
    fail_op("lru", "lambda: {}, B: {}, b: {} must be {} [D], [D, H], [D] for x: {}", describe(lambda),
            describe(B), describe(b), name(z), describe(x));
  }
  const bool out = C.rank() == 2 && C.size(1) == lambda.size(0) && C.dtype() == z &&
                   c.shape() == Shape{C.size(0)} && c.dtype() == x.dtype();
  if (!out) {
    fail_op("lru", "C: {}, c: {} must be {} [O, D] and {} [O] for lambda: {}", describe(C), describe(c),
            name(z), name(x.dtype()), describe(lambda));
  }
  check_offsets("lru", offsets, x.size(0));
  if (initial.defined() &&
      (initial.shape() != Shape{offsets.numel() - 1, lambda.size(0)} || initial.dtype() != z)) {
    fail_op("lru", "initial: {} must be {} [{}, {}]", describe(initial), name(z), offsets.numel() - 1,
            lambda.size(0));
  }
  return {x.contiguous(),
          lambda.contiguous(),
          B.contiguous(),
          b.contiguous(),
          C.contiguous(),
          c.contiguous(),
          offsets.to(x.device()).contiguous(),
          initial.defined() ? initial.contiguous() : initial,
          offsets.host().contiguous()};
}

struct Outputs {
  Tensor y, final_state, states;
  Tensor planes;  ///< on a GPU: the projections as real matrices
};

/// Which tokens' y is wanted.
enum class Rows { all, last };

template <class T>
void run_forward(Cpu, const Inputs& in, Rows rows, Outputs& out) {
  T* y = out.y.data<T>();
  const auto pointers = in.pointers<T>();
  cpu::lru_forward<T>(in.shape(), pointers, cpu::LruPlanes<T>(in.shape(), pointers),
                      rows == Rows::all ? y : nullptr, rows == Rows::last ? y : nullptr,
                      out.final_state.data<std::complex<T>>(),
                      out.states.defined() ? out.states.data<T>() : nullptr);
}

template <class T>
kernels::CudaLru<T> cuda_lru(const Inputs& in, const Tensor& planes) {
  return {in.sequences(),
          in.B.size(1),
          in.B.size(0),
          in.C.size(0),
          in.host_offsets.data<std::int64_t>(),
          in.offsets.data<std::int64_t>(),
          in.pointers<T>(),
          planes.data<T>()};
}

template <class T>
void run_forward(Cuda, const Inputs& in, Rows rows, Outputs& out) {
  const auto H = in.B.size(1), D = in.B.size(0), O = in.C.size(0);
  out.planes = Tensor::empty({2 * D * (H + O)}, in.real(), in.x.device());
  // The states pass through memory whether backward wants them or not.
  if (!out.states.defined()) out.states = Tensor::empty({in.x.size(0), 2, D}, in.real(), in.x.device());
  T* y = out.y.data<T>();
  kernels::lru_forward(Cuda{}, cuda_lru<T>(in, out.planes), out.states.data<T>(),
                       out.final_state.data<std::complex<T>>(), rows == Rows::all ? y : nullptr,
                       rows == Rows::last ? y : nullptr);
}

Outputs forward(const Inputs& in, Rows rows, bool want_states) {
  const auto tokens = in.x.size(0), D = in.lambda.size(0);
  Outputs out;
  out.y =
      Tensor::empty({rows == Rows::all ? tokens : in.sequences(), in.C.size(0)}, in.real(), in.x.device());
  if (want_states) out.states = Tensor::empty({tokens, 2, D}, in.real(), in.x.device());
  out.final_state = Tensor::empty({in.sequences(), D}, in.complex(), in.x.device());
  dispatch_real("lru", in.real(), [&]<class T>() {
    on_device("lru", in.x.device(), [&](auto where) { run_forward<T>(where, in, rows, out); });
  });
  return out;
}

template <class T>
void run_backward(Cpu, const Inputs& in, const Outputs& out, const T* dy, const std::complex<T>* dfinal,
                  const cpu::LruGradients<T>& to) {
  cpu::lru_backward<T>(in.shape(), in.pointers<T>(), out.states.data<T>(), dy, dfinal, to);
}

template <class T>
void run_backward(Cuda, const Inputs& in, const Outputs& out, const T* dy, const std::complex<T>* dfinal,
                  const cpu::LruGradients<T>& to) {
  kernels::lru_backward(Cuda{}, cuda_lru<T>(in, out.planes), static_cast<const T*>(out.states.data<T>()), dy,
                        dfinal, to);
}

// dh = C^H dy, g_t = dh_t + conj(lambda) g_{t+1}; dx = Re(B^H g), dB = sum g x^T, db = sum g,
// dC = sum dy conj(h)^T, dc = sum dy, dlambda = sum g_t conj(h_{t-1}), dinitial = conj(lambda) g_1
Tensors backward(const Inputs& in, const Outputs& out, const Tensor& dy, const Tensor& dfinal) {
  const auto like = [](const Tensor& t) { return Tensor::empty(t.shape(), t.dtype(), t.device()); };
  Tensors grads{like(in.x), like(in.lambda), like(in.B), like(in.b), like(in.C), like(in.c)};
  grads.push_back(in.initial.defined() ? like(in.initial) : Tensor());
  const Tensor gradient = dy.defined() ? dy.contiguous() : Tensor();
  const Tensor final_gradient = dfinal.defined() ? dfinal.contiguous() : Tensor();
  dispatch_real("lru", in.real(), [&]<class T>() {
    using Z = std::complex<T>;
    const cpu::LruGradients<T> to{grads[0].data<T>(),
                                  grads[1].data<Z>(),
                                  grads[2].data<Z>(),
                                  grads[3].data<Z>(),
                                  grads[4].data<Z>(),
                                  grads[5].data<T>(),
                                  grads[6].defined() ? grads[6].data<Z>() : nullptr};
    on_device("lru", in.x.device(), [&](auto where) {
      run_backward<T>(where, in, out, gradient.defined() ? gradient.data<T>() : nullptr,
                      final_gradient.defined() ? final_gradient.data<Z>() : nullptr, to);
    });
  });
  return grads;
}

}  // namespace

Tensor raw::lru_last(const Tensor& x, const Tensor& lambda, const Tensor& B, const Tensor& b, const Tensor& C,
                     const Tensor& c, const Tensor& offsets) {
  return forward(check(x, lambda, B, b, C, c, offsets, {}), Rows::last, false).y;
}

LruResult lru(const Variable& x, const Variable& lambda, const Variable& B, const Variable& b,
              const Variable& C, const Variable& c, const Tensor& offsets, const Variable& initial) {
  const Inputs in = check(x.value(), lambda.value(), B.value(), b.value(), C.value(), c.value(), offsets,
                          initial.defined() ? initial.value() : Tensor());
  bool wanted = false;
  for (const auto* v : {&x, &lambda, &B, &b, &C, &c, &initial}) wanted |= v->defined() && v->requires_grad();
  const Outputs out = forward(in, Rows::all, wanted && recording());
  const Variables results =
      record("lru", {x, lambda, B, b, C, c, initial}, Tensors{out.y, out.final_state},
             [in, kept = Outputs{{}, {}, out.states, out.planes}](const Tensors& grads, const Needs&) {
               return backward(in, kept, grads[0], grads[1]);
             });
  return {results[0], results[1]};
}

}  // namespace lrurec::ops
