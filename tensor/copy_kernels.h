#pragma once
// Kernels of Tensor::fill_, copy_ and add_. The loop has its operands in the order of the pointers.

#include <cmath>
#include <limits>

#include "tensor/device.h"
#include "tensor/host_device.h"
#include "tensor/strided_loop.h"

namespace lrurec::kernels {

template <class T>
void fill(Cpu, const StridedLoop<1>& loop, T* to, T value);
template <class T>
void fill(Cuda, const StridedLoop<1>& loop, T* to, T value);

/// to = from, converted.
template <class To, class From>
void copy(Cpu, const StridedLoop<2>& loop, To* to, const From* from);
template <class To, class From>
void copy(Cuda, const StridedLoop<2>& loop, To* to, const From* from);

/// Whether To is an integer type that cannot hold all numbers of From.
template <class To, class From>
inline constexpr bool may_not_hold =
    std::is_integral_v<To> && !std::is_same_v<To, bool> &&
    (std::is_floating_point_v<From> || (std::is_integral_v<From> && sizeof(From) > sizeof(To)));

/// Whether the integer type To can hold every element of `from`, without its fraction.
template <class To, class From>
bool holds(Cpu, const StridedLoop<1>& loop, const From* from);
template <class To, class From>
bool holds(Cuda, const StridedLoop<1>& loop, const From* from);

/// The same for one element; false for NaN.
template <class To, class From>
LRUREC_HOST_DEVICE inline bool holds_number(From x) {
  constexpr auto least = static_cast<From>(std::numeric_limits<To>::min());
  if constexpr (std::is_integral_v<From>) {
    return x >= least && x < -least;
  } else {
    const From whole = std::trunc(x);
    return whole >= least && whole < -least;
  }
}

/// to += from
template <class T>
void add(Cpu, const StridedLoop<2>& loop, T* to, const T* from);
template <class T>
void add(Cuda, const StridedLoop<2>& loop, T* to, const T* from);

}  // namespace lrurec::kernels
