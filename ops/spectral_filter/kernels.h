#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything dense. x, y: [S, L, C]; W: [L / 2 + 1, C].
template <class T>
struct SpectralFilter {
  std::int64_t S, L, C;
  const T* x;
  const std::complex<T>* W;

  std::int64_t frequencies() const { return L / 2 + 1; }
};

template <class T>
void spectral_filter_forward(Cpu, const SpectralFilter<T>& f, T* y);
template <class T>
void spectral_filter_forward(Cuda, const SpectralFilter<T>& f, T* y);

/// dx: [S, L, C], dW: [L / 2 + 1, C]
template <class T>
void spectral_filter_backward(Cpu, const SpectralFilter<T>& f, const T* dy, T* dx, std::complex<T>* dW);
template <class T>
void spectral_filter_backward(Cuda, const SpectralFilter<T>& f, const T* dy, T* dx, std::complex<T>* dW);

}  // namespace lrurec::ops::kernels
