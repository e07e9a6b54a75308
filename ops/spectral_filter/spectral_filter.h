#pragma once
// A filter in the frequency domain (FMLP-Rec, Zhou et al., 2022).

#include "autograd/variable.h"

namespace lrurec::ops {

/// y = irfft(rfft(x) * W) over the L places of each of S sequences, channel by channel: the circular
/// convolution of x with irfft(W). x: [S, L, C], f32 or f64; W: [L / 2 + 1, C], of the matching complex dtype
/// -> [S, L, C]. The imaginary parts of W_0 and, where L is even, of W_{L/2} have no effect, as in irfft.
///
/// Backward, with X = rfft(x), G = rfft(dy) and m_k = 1 for k = 0 and, where L is even, k = L / 2, else 2:
/// dx = irfft(G * conj(W)),  dW_k = m_k / L sum over sequences of conj(X_k) G_k.
Variable spectral_filter(const Variable& x, const Variable& W);

/// The same by products with the matrices of the transforms: for readers and tests.
Variable spectral_filter_composed(const Variable& x, const Variable& W);

}  // namespace lrurec::ops
