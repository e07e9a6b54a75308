// A warp takes a channel of a sequence, and a lane every 32nd of its states. At each token, rho and y are
// sums over the warp.

#include "ops/dplr_ssm/kernels.h"
#include "ops/primitives/state_cuda.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using state_cuda::at;
using state_cuda::by_states;
using state_cuda::Complex;
using state_cuda::for_states;
using state_cuda::put;

/// Re (x y)
template <class T>
__device__ T real_of_product(const Complex<T>& x, const Complex<T>& y) {
  return x.re * y.re - x.im * y.im;
}

/// a s - e rho + b u
template <class T>
__device__ Complex<T> step(const DplrSsm<T>& in, std::int64_t hn, const Complex<T>& s, T rho, T u) {
  const Complex<T> a = at(in.a, hn), e = at(in.e, hn), b = at(in.b, hn);
  return {a.re * s.re - a.im * s.im - e.re * rho + b.re * u,
          a.re * s.im + a.im * s.re - e.im * rho + b.im * u};
}

template <int states, class T>
__global__ void dplr_ssm_forward_kernel(DplrSsm<T> in, T* y, T* state) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (index >= in.sequences * in.H) return;
  const std::int64_t q = index / in.H, h = index % in.H;
  Complex<T> s[states];
  T rho = 0;
  for_states<states>(in.N, [&](int i, std::int64_t n) {
    s[i] = at(state, index * in.N + n);
    rho += 2 * real_of_product(at(in.f, h * in.N + n), s[i]);
  });
  rho = cuda::warp_sum(rho);
  for (std::int64_t t = in.offsets[q]; t < in.offsets[q + 1]; ++t) {
    T sum = 0, next_rho = 0;
    for_states<states>(in.N, [&](int i, std::int64_t n) {
      s[i] = step(in, h * in.N + n, s[i], rho, in.u[t * in.H + h]);
      sum += 2 * real_of_product(at(in.c, h * in.N + n), s[i]);
      next_rho += 2 * real_of_product(at(in.f, h * in.N + n), s[i]);
    });
    sum = cuda::warp_sum(sum);
    rho = cuda::warp_sum(next_rho);
    if (cuda::lane() == 0) y[t * in.H + h] = sum;
  }
  for_states<states>(in.N, [&](int i, std::int64_t n) { put(s[i], state, index * in.N + n); });
}

/// past: [tokens, H, N, 2], the states after each token; rhos: [tokens, H], the sum of each token's step.
template <int states, class T>
__global__ void dplr_ssm_backward_kernel(DplrSsm<T> in, const T* dy, T* du, DplrSsmGradients<T> gradients,
                                         T* past, T* rhos) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (index >= in.sequences * in.H) return;
  const std::int64_t q = index / in.H, h = index % in.H, first = in.offsets[q], end = in.offsets[q + 1];
  Complex<T> s[states];
  T rho = 0;
  for (std::int64_t t = first; t < end; ++t) {
    T next_rho = 0;
    if (cuda::lane() == 0) rhos[t * in.H + h] = rho;
    for_states<states>(in.N, [&](int i, std::int64_t n) {
      s[i] = step(in, h * in.N + n, s[i], rho, in.u[t * in.H + h]);
      put(s[i], past, (t * in.H + h) * in.N + n);
      next_rho += 2 * real_of_product(at(in.f, h * in.N + n), s[i]);
    });
    rho = cuda::warp_sum(next_rho);
  }
  __syncwarp();  // lane 0 wrote rhos
  Complex<T> g[states], of_a[states], of_e[states], of_f[states], of_b[states], of_c[states];
  T d_next_rho = 0;  // of rho_{t+1}, twice
  for (std::int64_t t = end - 1; t >= first; --t) {
    const T twice = 2 * dy[t * in.H + h], u = in.u[t * in.H + h], rho_t = rhos[t * in.H + h];
    T d_u = 0, d_rho = 0;
    for_states<states>(in.N, [&](int i, std::int64_t n) {
      const std::int64_t hn = h * in.N + n;
      const Complex<T> a = at(in.a, hn), e = at(in.e, hn), f = at(in.f, hn), b = at(in.b, hn),
                       c = at(in.c, hn);
      g[i] = {a.re * g[i].re + a.im * g[i].im + f.re * d_next_rho + c.re * twice,
              a.re * g[i].im - a.im * g[i].re - f.im * d_next_rho - c.im * twice};
      d_u += b.re * g[i].re + b.im * g[i].im;
      d_rho -= e.re * g[i].re + e.im * g[i].im;
      const Complex<T> after = at(past, (t * in.H + h) * in.N + n);
      of_f[i].re += after.re * d_next_rho, of_f[i].im -= after.im * d_next_rho;
      of_c[i].re += after.re * twice, of_c[i].im -= after.im * twice;
      of_e[i].re -= g[i].re * rho_t, of_e[i].im -= g[i].im * rho_t;
      of_b[i].re += g[i].re * u, of_b[i].im += g[i].im * u;
      if (t == first) return;
      const Complex<T> before = at(past, ((t - 1) * in.H + h) * in.N + n);
      of_a[i].re += g[i].re * before.re + g[i].im * before.im;
      of_a[i].im += g[i].im * before.re - g[i].re * before.im;
    });
    d_u = cuda::warp_sum(d_u);
    d_next_rho = 2 * cuda::warp_sum(d_rho);
    if (cuda::lane() == 0) du[t * in.H + h] = d_u;
  }
  for_states<states>(in.N, [&](int i, std::int64_t n) {
    const std::int64_t place = index * in.N + n;
    put(of_a[i], gradients.a, place), put(of_e[i], gradients.e, place), put(of_f[i], gradients.f, place);
    put(of_b[i], gradients.b, place), put(of_c[i], gradients.c, place);
  });
}

}  // namespace

template <class T>
void dplr_ssm_forward(Cuda, const DplrSsm<T>& in, T* y, T* state) {
  by_states(in.N, [&](auto states) {
    cuda::launch("dplr_ssm", dplr_ssm_forward_kernel<states, T>, state_cuda::blocks("dplr_ssm", in),
                 cuda::lone_warps * cuda::warp_size, 0, in, y, state);
  });
}

template <class T>
void dplr_ssm_backward(Cuda, const DplrSsm<T>& in, const T* dy, T* du, const DplrSsmGradients<T>& gradients) {
  const cuda::Scratch<T> past(in.tokens * in.H * in.N * 2), rhos(in.tokens * in.H);
  by_states(in.N, [&](auto states) {
    cuda::launch("dplr_ssm", dplr_ssm_backward_kernel<states, T>, state_cuda::blocks("dplr_ssm", in),
                 cuda::lone_warps * cuda::warp_size, 0, in, dy, du, gradients, past.data(), rhos.data());
  });
}

#define DPLR_SSM(T)                                                   \
  template void dplr_ssm_forward<T>(Cuda, const DplrSsm<T>&, T*, T*); \
  template void dplr_ssm_backward<T>(Cuda, const DplrSsm<T>&, const T*, T*, const DplrSsmGradients<T>&);
DPLR_SSM(float)
DPLR_SSM(double)

}  // namespace lrurec::ops::kernels
