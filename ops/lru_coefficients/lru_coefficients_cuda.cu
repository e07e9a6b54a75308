#include <cmath>

#include "ops/lru_coefficients/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::complex, cuda::conjugate, cuda::elements, cuda::lane, cuda::warp_size;

/// Parameters as kernels see them.
template <class T>
struct In {
  std::int64_t channels, hidden;
  const T *nu_log, *theta_log, *gamma_log;
  const complex<T>*B, *b;

  explicit In(const LruParameters<T>& p)
      : channels(p.channels),
        hidden(p.hidden),
        nu_log(p.nu_log),
        theta_log(p.theta_log),
        gamma_log(p.gamma_log),
        B(elements(p.B)),
        b(elements(p.b)) {}
};

// A warp takes a channel; its lanes walk the channel's row of B.
template <class T>
__global__ void lru_coefficients_kernel(In<T> in, complex<T>* lambda, complex<T>* scaled_B,
                                        complex<T>* scaled_b) {
  const std::int64_t d = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (d >= in.channels) return;
  const T gamma = std::exp(in.gamma_log[d]);
  for (std::int64_t h = lane(); h < in.hidden; h += warp_size) {
    scaled_B[d * in.hidden + h] = gamma * in.B[d * in.hidden + h];
  }
  if (lane() != 0) return;
  const T modulus = std::exp(-std::exp(in.nu_log[d])), angle = std::exp(in.theta_log[d]);
  lambda[d] = complex<T>(modulus * std::cos(angle), modulus * std::sin(angle));
  scaled_b[d] = gamma * in.b[d];
}

// Re(conj(x) dy): the gradient of a real factor of x.
template <class T>
__device__ T along(const complex<T>& x, const complex<T>& dy) {
  return x.real() * dy.real() + x.imag() * dy.imag();
}

template <class T>
__global__ void lru_coefficients_backward_kernel(In<T> in, const complex<T>* lambda,
                                                 const complex<T>* dlambda, const complex<T>* dscaled_B,
                                                 const complex<T>* dscaled_b, T* dnu_log, T* dtheta_log,
                                                 T* dgamma_log, complex<T>* dB, complex<T>* db) {
  const std::int64_t d = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (d >= in.channels) return;  // whole warps
  const T gamma = std::exp(in.gamma_log[d]);
  T dgamma = 0;
  for (std::int64_t h = lane(); h < in.hidden; h += warp_size) {
    const std::int64_t at = d * in.hidden + h;
    const complex<T> dy = dscaled_B[at];
    dB[at] = gamma * dy;
    dgamma += along(in.B[at], dy);
  }
  dgamma = cuda::warp_sum(dgamma);
  if (lane() != 0) return;
  db[d] = gamma * dscaled_b[d];
  dgamma_log[d] = gamma * (dgamma + along(in.b[d], dscaled_b[d]));
  const complex<T> dz = dlambda[d] * conjugate(lambda[d]);
  dnu_log[d] = -std::exp(in.nu_log[d]) * dz.real();
  dtheta_log[d] = std::exp(in.theta_log[d]) * dz.imag();
}

int blocks(std::int64_t channels) {
  return static_cast<int>((channels + cuda::lone_warps - 1) / cuda::lone_warps);
}

}  // namespace

template <class T>
void lru_coefficients_forward(Cuda, const LruParameters<T>& in, std::complex<T>* lambda,
                              std::complex<T>* scaled_B, std::complex<T>* scaled_b) {
  if (in.channels == 0) return;
  cuda::launch("lru_coefficients", lru_coefficients_kernel<T>, blocks(in.channels),
               cuda::lone_warps * warp_size, 0, In<T>(in), elements(lambda), elements(scaled_B),
               elements(scaled_b));
}

template <class T>
void lru_coefficients_backward(Cuda, const LruParameters<T>& in, const std::complex<T>* lambda,
                               const LruCoefficientGradients<T>& g) {
  if (in.channels == 0) return;
  cuda::launch("lru_coefficients", lru_coefficients_backward_kernel<T>, blocks(in.channels),
               cuda::lone_warps * warp_size, 0, In<T>(in), elements(lambda), elements(g.lambda),
               elements(g.scaled_B), elements(g.scaled_b), g.nu_log, g.theta_log, g.gamma_log, elements(g.B),
               elements(g.b));
}

#define LRU_COEFFICIENTS(T)                                                                         \
  template void lru_coefficients_forward<T>(Cuda, const LruParameters<T>&, std::complex<T>*,        \
                                            std::complex<T>*, std::complex<T>*);                    \
  template void lru_coefficients_backward<T>(Cuda, const LruParameters<T>&, const std::complex<T>*, \
                                             const LruCoefficientGradients<T>&);
LRU_COEFFICIENTS(float)
LRU_COEFFICIENTS(double)

}  // namespace lrurec::ops::kernels
