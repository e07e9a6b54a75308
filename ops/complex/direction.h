#pragma once
// z / |z|, also where |z| is infinite.

#include <type_traits>

#include "tensor/host_device.h"

namespace lrurec::ops::kernels {

template <class R>
LRUREC_HOST_DEVICE bool is_infinite(R x) {
  return x != 0 && x + x == x;
}

/// What an infinite part leaves of a number: its sign; a finite one nothing, a NaN itself.
template <class R>
LRUREC_HOST_DEVICE R sign_of_infinite(R part) {
  if (part != part) return part;
  return is_infinite(part) ? (part > 0 ? R(1) : R(-1)) : R(0);
}

/// The derivative of |z|: z / |z|, 0 at 0. `size` is |z|. An infinite z points where its infinite parts do.
/// E: R, or a complex number of R.
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

}  // namespace lrurec::ops::kernels
