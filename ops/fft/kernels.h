#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

enum class Exponent { negative, positive };

/// y_k = scale sum_t x_t e^(-+ 2 pi i k t / n) in each row. x, y: [rows, n], n > 0, not the same memory.
template <class T>
struct Fourier {
  std::int64_t rows, n;
  Exponent sign;
  T scale;
  const std::complex<T>* x;
};

/// By KISS FFT: n log n multiplications where the prime factors of n are small, n^2 where n is prime.
template <class T>
void fourier(Cpu, const Fourier<T>& f, std::complex<T>* y);
/// By the sum as it is written, n^2 multiplications for each row: meant for the lengths of sequences, a few
/// thousand. More than 2^15 are refused.
template <class T>
void fourier(Cuda, const Fourier<T>& f, std::complex<T>* y);

}  // namespace lrurec::ops::kernels
