#include "ops/lru_coefficients/lru_coefficients.h"

#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/lru_coefficients/kernels.h"
#include "ops/reduce/sum_to.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct Parameters {
  Tensor nu_log, theta_log, gamma_log, B, b;

  Tensor like(const Tensor& t) const { return Tensor::empty(t.shape(), t.dtype(), t.device()); }
  template <class T>
  kernels::LruParameters<T> pointers() const {
    using Z = std::complex<T>;
    return {B.size(0),           B.size(1),   nu_log.data<T>(), theta_log.data<T>(),
            gamma_log.data<T>(), B.data<Z>(), b.data<Z>()};
  }
};

Parameters check(const Tensor& nu_log, const Tensor& theta_log, const Tensor& gamma_log, const Tensor& B,
                 const Tensor& b) {
  const auto describe = [](const Tensor& t) {
    return fmt::format("{} {}", name(t.dtype()), t.shape().str());
  };
  const bool logs = nu_log.rank() == 1 && is_real(nu_log.dtype()) && is_inexact(nu_log.dtype()) &&
                    theta_log.shape() == nu_log.shape() && gamma_log.shape() == nu_log.shape() &&
                    theta_log.dtype() == nu_log.dtype() && gamma_log.dtype() == nu_log.dtype();
  if (!logs) {
    fail_op("lru_coefficients", "nu_log: {}, theta_log: {}, gamma_log: {} must be f32 or f64 [D]",
            describe(nu_log), describe(theta_log), describe(gamma_log));
  }
  const DType z = complex_of(nu_log.dtype());
  if (B.rank() != 2 || B.size(0) != nu_log.size(0) || b.shape() != nu_log.shape() || B.dtype() != z ||
      b.dtype() != z) {
    fail_op("lru_coefficients", "B: {}, b: {} must be {} [D, H], [D] for nu_log: {}", describe(B),
            describe(b), name(z), describe(nu_log));
  }
  return {nu_log.contiguous(), theta_log.contiguous(), gamma_log.contiguous(), B.contiguous(),
          b.contiguous()};
}

// On a CPU: the passes of the composition, since there is little to compute.
Tensors forward_passes(const Parameters& in) {
  const Tensor gamma = raw::exp(in.gamma_log);
  return {raw::exp(raw::complex(raw::neg(raw::exp(in.nu_log)), raw::exp(in.theta_log))),
          raw::mul(gamma.unsqueeze(1), in.B), raw::mul(gamma, in.b)};
}

Tensors backward_passes(const Parameters& in, const Tensor& lambda, const Tensors& from) {
  const Tensor gamma = raw::exp(in.gamma_log), column = gamma.unsqueeze(1);
  const Tensor dz = raw::mul(raw::conj(lambda), from[0]);
  const Tensor of_B = raw::fit_gradient(raw::mul(from[1], raw::conj(in.B)), column.shape(), gamma.dtype());
  const Tensor of_b = raw::fit_gradient(raw::mul(from[2], raw::conj(in.b)), gamma.shape(), gamma.dtype());
  return {raw::mul(raw::neg(raw::real(dz)), raw::exp(in.nu_log)),
          raw::mul(raw::imag(dz), raw::exp(in.theta_log)), raw::mul(raw::add(of_B.squeeze(1), of_b), gamma),
          raw::mul(from[1], column), raw::mul(from[2], gamma)};
}

Tensors empty_gradients(const Parameters& in) {
  return {in.like(in.nu_log), in.like(in.theta_log), in.like(in.gamma_log), in.like(in.B), in.like(in.b)};
}

template <class T>
Tensors run_forward(Cpu, const Parameters& in) {
  return forward_passes(in);
}
template <class T>
Tensors run_forward(Cuda, const Parameters& in) {
  using Z = std::complex<T>;
  const Tensors out{in.like(in.b), in.like(in.B), in.like(in.b)};
  kernels::lru_coefficients_forward(Cuda{}, in.pointers<T>(), out[0].data<Z>(), out[1].data<Z>(),
                                    out[2].data<Z>());
  return out;
}

template <class T>
Tensors run_backward(Cpu, const Parameters& in, const Tensor& lambda, const Tensors& from) {
  return backward_passes(in, lambda, from);
}
template <class T>
Tensors run_backward(Cuda, const Parameters& in, const Tensor& lambda, const Tensors& from) {
  using Z = std::complex<T>;
  const Tensors to = empty_gradients(in);
  kernels::lru_coefficients_backward(
      Cuda{}, in.pointers<T>(), static_cast<const Z*>(lambda.data<Z>()),
      kernels::LruCoefficientGradients<T>{from[0].data<Z>(), from[1].data<Z>(), from[2].data<Z>(),
                                          to[0].data<T>(), to[1].data<T>(), to[2].data<T>(), to[3].data<Z>(),
                                          to[4].data<Z>()});
  return to;
}

/// work<T>(device) for the dtype and device of the parameters.
template <class Work>
Tensors on_its_device(const Parameters& in, Work&& work) {
  Tensors result;
  dispatch_real("lru_coefficients", in.nu_log.dtype(), [&]<class T>() {
    on_device("lru_coefficients", in.B.device(),
              [&](auto where) { result = work.template operator()<T>(where); });
  });
  return result;
}

Tensors forward(const Parameters& in) {
  return on_its_device(in, [&]<class T>(auto where) { return run_forward<T>(where, in); });
}

// dz = dlambda conj(lambda): dnu_log = -exp(nu_log) Re(dz), dtheta_log = exp(theta_log) Im(dz); dB = gamma
// dB', db = gamma db', dgamma_log = gamma (sum_h Re(conj(B_h) dB'_h) + Re(conj(b) db'))
Tensors backward(const Parameters& in, const Tensor& lambda, const Tensors& grads) {
  Tensors from;
  for (std::size_t i = 0; i < 3; ++i) {
    const Tensor& like = i == 0 ? lambda : i == 1 ? in.B : in.b;
    from.push_back(grads[i].defined() ? grads[i].contiguous()
                                      : Tensor::zeros(like.shape(), like.dtype(), like.device()));
  }
  return on_its_device(in, [&]<class T>(auto where) { return run_backward<T>(where, in, lambda, from); });
}

}  // namespace

LruCoefficients lru_coefficients_composed(const Variable& nu_log, const Variable& theta_log,
                                          const Variable& gamma_log, const Variable& B, const Variable& b) {
  const Variable gamma = exp(gamma_log);
  return {exp(complex(-exp(nu_log), exp(theta_log))), reshape(gamma, {-1, 1}) * B, gamma * b};
}

LruCoefficients lru_coefficients(const Variable& nu_log, const Variable& theta_log, const Variable& gamma_log,
                                 const Variable& B, const Variable& b) {
  const Parameters in = check(nu_log.value(), theta_log.value(), gamma_log.value(), B.value(), b.value());
  const Tensors out = forward(in);
  const Variables results = record(
      "lru_coefficients", {nu_log, theta_log, gamma_log, B, b}, out,
      [in, lambda = out[0]](const Tensors& grads, const Needs&) { return backward(in, lambda, grads); });
  return {results[0], results[1], results[2]};
}

}  // namespace lrurec::ops
