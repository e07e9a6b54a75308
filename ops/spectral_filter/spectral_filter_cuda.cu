// In the time domain: with w = irfft(W), y is the circular convolution of x with w, dx the correlation of dy
// with w, and dw the correlation of x with dy, summed by chunks of sequences side by side. At the lengths of
// recommendation (50 to 200), L^2 C multiplications for each sequence cost less than the launches of
// transforms, and every sum has one order.

#include <cmath>

#include "ops/primitives/chunks.h"
#include "ops/primitives/column_sum_cuda.h"
#include "ops/spectral_filter/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::elements;

/// cos and sin of 2 pi k t / L.
template <class T>
struct Root {
  T cosine, sine;
  __device__ Root(std::int64_t k, std::int64_t t, std::int64_t L) {
    const T angle = T(6.283185307179586476925) * static_cast<T>(k * t % L) / static_cast<T>(L);
    cosine = std::cos(angle), sine = std::sin(angle);
  }
};

/// Whether W_k enters with its real part alone.
__device__ bool filter_is_real(std::int64_t k, std::int64_t L) { return k == 0 || 2 * k == L; }

/// m_k / L
template <class T>
__device__ T weight(std::int64_t k, std::int64_t L) {
  return (filter_is_real(k, L) ? T(1) : T(2)) / static_cast<T>(L);
}

/// w[t, c] = sum_k m_k / L Re(W_k e^(2 pi i k t / L)). The imaginary parts of W_0 and W_{L/2} are left out,
/// since their sine is 0 but would be rounded.
template <class T>
__global__ void taps_kernel(std::int64_t L, std::int64_t C, const cuda::complex<T>* W, T* w) {
  for (std::int64_t i = cuda::global_thread(); i < L * C; i += cuda::grid_threads()) {
    const std::int64_t t = i / C, c = i % C;
    T sum = 0;
    for (std::int64_t k = 0; k <= L / 2; ++k) {
      const Root<T> root(k, t, L);
      const auto z = W[k * C + c];
      sum +=
          weight<T>(k, L) * (z.real() * root.cosine - (filter_is_real(k, L) ? T(0) : z.imag() * root.sine));
    }
    w[i] = sum;
  }
}

/// dW_k = m_k / L sum_t dw_t e^(-2 pi i k t / L); its imaginary part is 0 where that of W has no effect.
template <class T>
__global__ void filter_kernel(std::int64_t L, std::int64_t C, const T* dw, cuda::complex<T>* dW) {
  for (std::int64_t i = cuda::global_thread(); i < (L / 2 + 1) * C; i += cuda::grid_threads()) {
    const std::int64_t k = i / C, c = i % C;
    T re = 0, im = 0;
    for (std::int64_t t = 0; t < L; ++t) {
      const Root<T> root(k, t, L);
      re += dw[t * C + c] * root.cosine;
      im -= dw[t * C + c] * root.sine;
    }
    const T factor = weight<T>(k, L);
    dW[i] = cuda::complex<T>(factor * re, filter_is_real(k, L) ? T(0) : factor * im);
  }
}

/// y_t = sum_u w_u x_{t-u}, or with `back` dx_t = sum_u w_u dy_{t+u}; places modulo L.
template <bool back, class T>
__global__ void convolve_kernel(std::int64_t S, std::int64_t L, std::int64_t C, const T* w, const T* x,
                                T* y) {
  for (std::int64_t i = cuda::global_thread(); i < S * L * C; i += cuda::grid_threads()) {
    const std::int64_t c = i % C, t = i / C % L, s = i / (C * L);
    const T* row = x + s * L * C + c;
    T sum = 0;
    for (std::int64_t u = 0; u < L; ++u) {
      const std::int64_t place = back ? t + u - (t + u >= L ? L : 0) : t - u + (t < u ? L : 0);
      sum += w[u * C + c] * row[place * C];
    }
    y[i] = sum;
  }
}

/// dw_u = sum over s, t of dy_t x_{t-u}. partial: [chunks, L, C], the sums over sequences of a chunk.
template <class T>
__global__ void taps_backward_kernel(cuda::Chunks chunks, std::int64_t L, std::int64_t C, const T* x,
                                     const T* dy, T* partial) {
  for (std::int64_t i = cuda::global_thread(); i < chunks.count * L * C; i += cuda::grid_threads()) {
    const std::int64_t chunk = i / (L * C), u = i / C % L, c = i % C;
    T sum = 0;
    for (std::int64_t s = chunks.begin(chunk); s < chunks.end(chunk); ++s) {
      const T *row = x + s * L * C + c, *grad = dy + s * L * C + c;
      for (std::int64_t t = 0; t < L; ++t) sum += grad[t * C] * row[(t - u + (t < u ? L : 0)) * C];
    }
    partial[i] = sum;
  }
}

template <class T>
void make_taps(const SpectralFilter<T>& f, T* w) {
  cuda::launch("spectral_filter", taps_kernel<T>, cuda::blocks_for(f.L * f.C), 256, 0, f.L, f.C,
               elements(f.W), w);
}

}  // namespace

template <class T>
void spectral_filter_forward(Cuda, const SpectralFilter<T>& f, T* y) {
  const cuda::Scratch<T> w(f.L * f.C);
  make_taps(f, w.data());
  const T* kept = w.data();
  cuda::launch("spectral_filter", convolve_kernel<false, T>, cuda::blocks_for(f.S * f.L * f.C), 256, 0, f.S,
               f.L, f.C, kept, f.x, y);
}

template <class T>
void spectral_filter_backward(Cuda, const SpectralFilter<T>& f, const T* dy, T* dx, std::complex<T>* dW) {
  const cuda::Chunks chunks(f.S, 1, 64);
  const cuda::Scratch<T> w(f.L * f.C), dw(f.L * f.C), partial(chunks.count * f.L * f.C);
  make_taps(f, w.data());
  const T *kept = w.data(), *of_w = dw.data();
  cuda::launch("spectral_filter", convolve_kernel<true, T>, cuda::blocks_for(f.S * f.L * f.C), 256, 0, f.S,
               f.L, f.C, kept, dy, dx);
  cuda::launch("spectral_filter", taps_backward_kernel<T>, cuda::blocks_for(chunks.count * f.L * f.C), 256, 0,
               chunks, f.L, f.C, f.x, dy, partial.data());
  cuda::column_sum(chunks.count, f.L * f.C, partial.data(), dw.data());
  cuda::launch("spectral_filter", filter_kernel<T>, cuda::blocks_for(f.frequencies() * f.C), 256, 0, f.L, f.C,
               of_w, elements(dW));
}

#define SPECTRAL_FILTER(T)                                                      \
  template void spectral_filter_forward<T>(Cuda, const SpectralFilter<T>&, T*); \
  template void spectral_filter_backward<T>(Cuda, const SpectralFilter<T>&, const T*, T*, std::complex<T>*);
SPECTRAL_FILTER(float)
SPECTRAL_FILTER(double)

}  // namespace lrurec::ops::kernels
