#pragma once
// Element types in kernels. std::complex has no device functions, so kernels take cuda::std::complex, which
// has the same layout. The emulator keeps std::complex.

#include <cstddef>
#include <type_traits>

#include "tensor/dtype.h"
#include "tensor/host_device.h"

#ifdef __CUDACC__
#include <cuda/std/complex>
#endif

namespace lrurec::cuda {

#ifdef __CUDACC__
template <class T>
using complex = ::cuda::std::complex<T>;
#else
template <class T>
using complex = std::complex<T>;
#endif

template <class T>
struct ElementOf {
  using type = T;
};
template <class T>
struct ElementOf<std::complex<T>> {
  using type = complex<T>;
};
/// complex<float> for c64, T itself for others.
template <class T>
using element = typename ElementOf<T>::type;

#ifdef LRUREC_CUDA_EMULATED
namespace emulator {
/// Throws unless the address is a multiple of `bytes`, as cuda::std::complex must lie; std::complex need not.
void check_elements(const void* address, std::size_t bytes);
}  // namespace emulator
#endif

template <class T>
element<T>* elements(T* p) {
#ifdef LRUREC_CUDA_EMULATED
  emulator::check_elements(p, sizeof(T));
#endif
  return reinterpret_cast<element<T>*>(p);
}
template <class T>
const element<T>* elements(const T* p) {
#ifdef LRUREC_CUDA_EMULATED
  emulator::check_elements(p, sizeof(T));
#endif
  return reinterpret_cast<const element<T>*>(p);
}

template <class T>
inline constexpr bool is_complex_element =
    std::is_same_v<T, complex<float>> || std::is_same_v<T, complex<double>>;

/// A value as kernels take it. (Reading it through elements() would need an address that suits the element.)
template <class T>
element<T> as_element(const T& x) {
  if constexpr (is_complex_element<element<T>>) {
    return {x.real(), x.imag()};
  } else {
    return x;
  }
}

template <class T>
LRUREC_HOST_DEVICE inline T conjugate(const T& x) {
  if constexpr (is_complex_element<T>) {
    return T(x.real(), -x.imag());
  } else {
    return x;
  }
}

}  // namespace lrurec::cuda
