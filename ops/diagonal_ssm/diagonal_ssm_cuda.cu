// A warp takes a channel of a sequence, and a lane every 32nd of its states. At each token, y is a sum over
// the warp.

#include "ops/diagonal_ssm/kernels.h"
#include "ops/primitives/state_cuda.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using state_cuda::at;
using state_cuda::by_states;
using state_cuda::Complex;
using state_cuda::for_states;
using state_cuda::put;

/// lambda x + u
template <class T>
__device__ Complex<T> next(const Complex<T>& lambda, const Complex<T>& x, T u) {
  return {lambda.re * x.re - lambda.im * x.im + u, lambda.re * x.im + lambda.im * x.re};
}

template <int states, class T>
__global__ void diagonal_ssm_forward_kernel(DiagonalSsm<T> f, T* y, T* state) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (index >= f.sequences * f.H) return;
  const std::int64_t s = index / f.H, h = index % f.H;
  Complex<T> x[states];
  for_states<states>(f.N, [&](int i, std::int64_t n) { x[i] = at(state, index * f.N + n); });
  for (std::int64_t t = f.offsets[s]; t < f.offsets[s + 1]; ++t) {
    T sum = 0;
    for_states<states>(f.N, [&](int i, std::int64_t n) {
      x[i] = next(at(f.lambda, h * f.N + n), x[i], f.u[t * f.H + h]);
      const Complex<T> c = at(f.c, h * f.N + n);
      sum += c.re * x[i].re - c.im * x[i].im;
    });
    sum = cuda::warp_sum(sum);
    if (cuda::lane() == 0) y[t * f.H + h] = 2 * sum;
  }
  for_states<states>(f.N, [&](int i, std::int64_t n) { put(x[i], state, index * f.N + n); });
}

/// past: [tokens, H, N, 2], the states after each token.
template <int states, class T>
__global__ void diagonal_ssm_backward_kernel(DiagonalSsm<T> f, const T* dy, T* du, T* dlambda, T* dc,
                                             T* past) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (index >= f.sequences * f.H) return;
  const std::int64_t s = index / f.H, h = index % f.H, first = f.offsets[s], end = f.offsets[s + 1];
  for_states<states>(f.N, [&](int, std::int64_t n) {
    Complex<T> x;
    for (std::int64_t t = first; t < end; ++t) {
      x = next(at(f.lambda, h * f.N + n), x, f.u[t * f.H + h]);
      put(x, past, (t * f.H + h) * f.N + n);
    }
  });
  Complex<T> g[states], of_lambda[states], of_c[states];
  for (std::int64_t t = end - 1; t >= first; --t) {
    const T twice = 2 * dy[t * f.H + h];
    T sum = 0;
    for_states<states>(f.N, [&](int i, std::int64_t n) {
      const Complex<T> l = at(f.lambda, h * f.N + n), c = at(f.c, h * f.N + n);
      g[i] = {l.re * g[i].re + l.im * g[i].im + c.re * twice, l.re * g[i].im - l.im * g[i].re - c.im * twice};
      sum += g[i].re;
      const Complex<T> x = at(past, (t * f.H + h) * f.N + n);
      of_c[i].re += twice * x.re, of_c[i].im -= twice * x.im;
      if (t == first) return;
      const Complex<T> before = at(past, ((t - 1) * f.H + h) * f.N + n);
      of_lambda[i].re += g[i].re * before.re + g[i].im * before.im;
      of_lambda[i].im += g[i].im * before.re - g[i].re * before.im;
    });
    sum = cuda::warp_sum(sum);
    if (cuda::lane() == 0) du[t * f.H + h] = sum;
  }
  for_states<states>(f.N, [&](int i, std::int64_t n) {
    put(of_lambda[i], dlambda, index * f.N + n);
    put(of_c[i], dc, index * f.N + n);
  });
}

}  // namespace

template <class T>
void diagonal_ssm_forward(Cuda, const DiagonalSsm<T>& f, T* y, T* state) {
  by_states(f.N, [&](auto states) {
    cuda::launch("diagonal_ssm", diagonal_ssm_forward_kernel<states, T>,
                 state_cuda::blocks("diagonal_ssm", f), cuda::lone_warps * cuda::warp_size, 0, f, y, state);
  });
}

template <class T>
void diagonal_ssm_backward(Cuda, const DiagonalSsm<T>& f, const T* dy, T* du, T* dlambda, T* dc) {
  const cuda::Scratch<T> past(f.tokens * f.H * f.N * 2);
  by_states(f.N, [&](auto states) {
    cuda::launch("diagonal_ssm", diagonal_ssm_backward_kernel<states, T>,
                 state_cuda::blocks("diagonal_ssm", f), cuda::lone_warps * cuda::warp_size, 0, f, dy, du,
                 dlambda, dc, past.data());
  });
}

#define DIAGONAL_SSM(T)                                                       \
  template void diagonal_ssm_forward<T>(Cuda, const DiagonalSsm<T>&, T*, T*); \
  template void diagonal_ssm_backward<T>(Cuda, const DiagonalSsm<T>&, const T*, T*, T*, T*);
DIAGONAL_SSM(float)
DIAGONAL_SSM(double)

}  // namespace lrurec::ops::kernels
