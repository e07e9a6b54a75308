#pragma once
// exp, sin, erf, ... by one name for everything a row of the tables may be asked to work on.

#include "tensor/host_device.h"

#ifdef __CUDACC__

#include <cuda/std/cmath>
#include <cuda/std/complex>

namespace lrurec::ops::rows {

using ::erf;
using ::cuda::std::cos, ::cuda::std::exp, ::cuda::std::log, ::cuda::std::sin, ::cuda::std::sqrt,
    ::cuda::std::tanh;

template <class T>
LRUREC_HOST_DEVICE T choose(bool condition, const T& x, const T& y) {
  return condition ? x : y;
}

}  // namespace lrurec::ops::rows

#else

#include <cmath>

#include "ops/primitives/simd.h"

namespace lrurec::ops::rows {

using std::cos, std::exp, std::log, std::sin, std::sqrt, std::tanh, std::erf;
using xsimd::cos, xsimd::exp, xsimd::log, xsimd::sin, xsimd::sqrt, xsimd::tanh, xsimd::erf;

}  // namespace lrurec::ops::rows

#endif
