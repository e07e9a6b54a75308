#include "nn/lru.h"

#include "ops/ops.h"

namespace lrurec::nn {

LRU::LRU(std::int64_t hidden, std::int64_t channels, Initializer& init, WeightScale scale)
    : LRU(hidden, channels, init.ring(channels), init, scale) {}

LRU::LRU(std::int64_t hidden, std::int64_t channels, const Initializer::Ring& ring, Initializer& init,
         WeightScale scale)
    : nu_log(register_parameter("nu_log", ring.nu_log)),
      theta_log(register_parameter("theta_log", ring.theta_log)),
      gamma_log(register_parameter("gamma_log", ring.gamma_log)),
      in_proj_(hidden, channels, init, scale),
      out_proj_(channels, hidden, init, scale) {
  register_module("in_proj", in_proj_);
  register_module("out_proj", out_proj_);
}

namespace {
Variable lambda_of(const Variable& nu_log, const Variable& theta_log) {
  return ops::exp(ops::complex(-ops::exp(nu_log), ops::exp(theta_log)));
}
}  // namespace

Variable LRU::lambda() const { return lambda_of(nu_log, theta_log); }

Tensor LRU::lambda_on_host() const {
  return lambda_of(Variable(nu_log.value().host()), Variable(theta_log.value().host())).value();
}

Tensor LRU::gains_on_host() const {
  const auto exact = [](const Variable& x) {
    const DType dtype = is_complex(x.dtype()) ? DType::c128 : DType::f64;
    return Variable(x.value().host().to(dtype));
  };
  const auto norm = [&](const ComplexLinear& linear, int over) {
    const Variable size = ops::abs(exact(linear.weight));
    return ops::sqrt(ops::sum(size * size, {over}));
  };
  return (ops::exp(exact(gamma_log)) * norm(in_proj_, 1) * norm(out_proj_, 0)).value();
}

Variable LRU::input(const Variable& x) const { return ops::exp(gamma_log) * in_proj_.forward(x); }

Variable LRU::output(const Variable& h) const { return ops::real(out_proj_.forward(h)); }

LRU::Output LRU::forward_composed(const Variable& x, const IndexTensor& offsets,
                                  const Variable& initial) const {
  const auto [h, final_state] = ops::linear_scan(lambda(), input(x), offsets, initial);
  return {output(h), final_state};
}

LRU::Output LRU::forward(const Variable& x, const IndexTensor& offsets, const Variable& initial) const {
  const auto [lambda, B, b] = coefficients();
  const auto [y, final_state] =
      ops::lru(x, lambda, B, b, out_proj_.weight, ops::real(out_proj_.bias), offsets, initial);
  return {y, final_state};
}

Variable LRU::mix_last(const Variable& x, const IndexTensor& offsets) const {
  return Variable(ops::raw::lru_last(x.value(), packed(), offsets));
}

Tensor LRU::initial_state(std::int64_t n) const {
  const Tensor& nu = nu_log.value();
  return Tensor::zeros({n, nu.size(0)}, complex_of(nu.dtype()), nu.device());
}

void LRU::prepare_steps() {
  packed_ = packed();
  prepared_.note(*this);
}

Tensor LRU::step(const Tensor& x, const Tensor& state) const {
  prepared_.check("LRU::step");
  return ops::raw::lru_step(x, packed_, state);
}

ops::raw::PackedLru LRU::packed() const {
  const NoGrad no_grad;
  const auto [lambda, B, b] = coefficients();
  return ops::raw::pack_lru(lambda.value(), B.value(), b.value(), out_proj_.weight.value(),
                            ops::raw::real(out_proj_.bias.value()));
}

ops::LruCoefficients LRU::coefficients() const {
  return ops::lru_coefficients(nu_log, theta_log, gamma_log, in_proj_.weight, in_proj_.bias);
}

}  // namespace lrurec::nn
