#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

template <class T>
struct LruParameters {
  std::int64_t channels, hidden;            ///< D, H
  const T *nu_log, *theta_log, *gamma_log;  ///< [D]
  const std::complex<T>*B, *b;              ///< [D, H], [D]
};

/// lambda: [D], scaled_B: [D, H], scaled_b: [D], all written.
template <class T>
void lru_coefficients_forward(Cuda, const LruParameters<T>& in, std::complex<T>* lambda,
                              std::complex<T>* scaled_B, std::complex<T>* scaled_b);

template <class T>
struct LruCoefficientGradients {
  const std::complex<T>*lambda, *scaled_B, *scaled_b;  ///< gradients of the outputs
  T *nu_log, *theta_log, *gamma_log;                   ///< written
  std::complex<T>*B, *b;                               ///< written
};
/// lambda: as the forward pass wrote it.
template <class T>
void lru_coefficients_backward(Cuda, const LruParameters<T>& in, const std::complex<T>* lambda,
                               const LruCoefficientGradients<T>& gradients);

}  // namespace lrurec::ops::kernels
