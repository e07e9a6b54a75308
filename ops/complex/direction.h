#pragma once
// Angle and direction of a number, real or complex: z = |z| e^(i angle), and the direction z / |z|.

#include <cmath>
#include <type_traits>

#include "tensor/host_device.h"

namespace lrurec::ops::kernels {

template <class R>
LRUREC_HOST_DEVICE bool is_infinite(R x) {
  return x != 0 && x + x == x;
}

/// The sign of an infinite part; 0 for a finite part; NaN for NaN.
template <class R>
LRUREC_HOST_DEVICE R sign_of_infinite(R part) {
  if (part != part) return part;
  return is_infinite(part) ? (part > 0 ? R(1) : R(-1)) : R(0);
}

/// The derivative of |z|: z / |z|, 0 at 0. `size` is |z|. An infinite z has the direction of its infinite
/// parts. E: R, or a complex number of R.
template <class E, class R>
LRUREC_HOST_DEVICE E direction(const E& z, R size) {
  if (size == 0) return E(0);
  if (!is_infinite(size)) return z / size;
  if constexpr (std::is_same_v<E, R>) {
    return sign_of_infinite(z);
  } else {
    const R re = sign_of_infinite(z.real()), im = sign_of_infinite(z.imag());
    const R scale = re != 0 && im != 0 ? R(0.70710678118654752440) : R(1);
    return E(re * scale, im * scale);
  }
}

/// arg z; of a real number 0, or pi where it is negative.
template <class R, class E>
LRUREC_HOST_DEVICE R angle_of(const E& z) {
  if constexpr (std::is_same_v<E, R>) {
    return z < 0 ? R(3.14159265358979323846) : z == z ? R(0) : z;
  } else {
    return std::atan2(z.imag(), z.real());
  }
}

/// The derivative of arg z: i z / |z|^2, 0 at 0. `size` is |z|.
template <class E, class R>
LRUREC_HOST_DEVICE E turn(const E& z, R size) {
  if constexpr (std::is_same_v<E, R>) {
    return E(0);
  } else {
    if (size == 0) return E(0);
    const E ahead = direction(z, size);
    return E(-ahead.imag(), ahead.real()) / size;
  }
}

}  // namespace lrurec::ops::kernels
