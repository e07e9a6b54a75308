#pragma once
// Discrete Fourier transforms along the last dimension, of any length n > 0. The inverse ones divide by n, as
// NumPy's and PyTorch's do by default. A GPU takes n^2 steps a row, and lengths up to 2^15.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y_k = sum_t x_t e^(-2 pi i k t / n). x: [..., n] f32 f64 c64 c128 -> complex [..., n].
/// Backward: dx_t = sum_k dy_k e^(2 pi i k t / n), its real part for a real x.
Variable fft(const Variable& x);

/// y_t = 1/n sum_k x_k e^(2 pi i k t / n). x: [..., n] f32 f64 c64 c128 -> complex [..., n].
/// Backward: dx_k = 1/n sum_t dy_t e^(-2 pi i k t / n), its real part for a real x.
Variable ifft(const Variable& x);

/// Values 0 .. n/2 of fft(x); the others are their conjugates. x: [..., n] f32 f64 -> complex [..., n / 2 +
/// 1]. Backward: dx_t = Re sum_k dy_k e^(2 pi i k t / n) over those k.
Variable rfft(const Variable& x);

/// The real y [..., n] with rfft(y) = x, where x: [..., n / 2 + 1] c64 c128. n = 0 means the even length,
/// 2 (size - 1). The imaginary parts of x_0 and, where n is even, of x_{n/2} have no effect.
/// Backward, with m_k = 1 for k = 0 and, where n is even, k = n / 2, else 2:
/// dx_k = m_k / n sum_t dy_t e^(-2 pi i k t / n).
Variable irfft(const Variable& x, std::int64_t n = 0);

namespace raw {
Tensor fft(const Tensor& x);
Tensor ifft(const Tensor& x);
Tensor rfft(const Tensor& x);
Tensor irfft(const Tensor& x, std::int64_t n = 0);
}  // namespace raw

}  // namespace lrurec::ops
