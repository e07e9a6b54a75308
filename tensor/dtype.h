#pragma once
// Element types of a Tensor.

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace lrurec {

/// Element type. The order matters to promote(), which takes the later of two types that are not complex.
enum class DType : std::uint8_t { boolean, i32, i64, f32, f64, c64, c128 };

using c64 = std::complex<float>;
using c128 = std::complex<double>;

std::string_view name(DType dtype);
std::size_t size_of(DType dtype);

constexpr bool is_complex(DType d) { return d == DType::c64 || d == DType::c128; }
constexpr bool is_real(DType d) { return d == DType::f32 || d == DType::f64; }
/// Real or complex: the types that can carry a gradient.
constexpr bool is_inexact(DType d) { return is_real(d) || is_complex(d); }

/// c64 -> f32, c128 -> f64; real types stay.
DType real_of(DType dtype);
/// f32 -> c64, f64 -> c128; complex types stay.
DType complex_of(DType dtype);
/// The common type of two operands: f32 with c64 gives c64, f64 with c64 gives c128, i64 with f32 gives f32.
DType promote(DType a, DType b);

/// C++ types that are elements of a Tensor.
template <class T>
concept Element = std::is_same_v<T, bool> || std::is_same_v<T, std::int32_t> ||
    std::is_same_v<T, std::int64_t> || std::is_same_v<T, float> || std::is_same_v<T, double> ||
    std::is_same_v<T, c64> || std::is_same_v<T, c128>;

template <class T>
struct DTypeOf : std::integral_constant<DType, DType::f32> {
  static_assert(Element<T>,
                "elements of a Tensor are bool, std::int32_t, std::int64_t, float, double, "
                "std::complex<float> or std::complex<double>: convert to one of them first");
};
template <>
struct DTypeOf<bool> : std::integral_constant<DType, DType::boolean> {};
template <>
struct DTypeOf<std::int32_t> : std::integral_constant<DType, DType::i32> {};
template <>
struct DTypeOf<std::int64_t> : std::integral_constant<DType, DType::i64> {};
template <>
struct DTypeOf<float> : std::integral_constant<DType, DType::f32> {};
template <>
struct DTypeOf<double> : std::integral_constant<DType, DType::f64> {};
template <>
struct DTypeOf<c64> : std::integral_constant<DType, DType::c64> {};
template <>
struct DTypeOf<c128> : std::integral_constant<DType, DType::c128> {};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

template <class T>
inline constexpr bool is_complex_type = std::is_same_v<T, c64> || std::is_same_v<T, c128>;

/// Real counterpart of an element type: float for float and c64.
template <class T>
struct RealType {
  using type = T;
};
template <class T>
struct RealType<std::complex<T>> {
  using type = T;
};
template <class T>
using real_type = typename RealType<T>::type;

/// The type in which sum, mean, cumsum and segment_sum accumulate: double, also for f32 and the parts of c64,
/// so that a sum of 10^5 floats keeps its digits. (The headers of fused operations, products and tables say
/// how those add.)
template <class T>
struct Accumulator {
  using type = T;
};
template <>
struct Accumulator<float> {
  using type = double;
};
template <>
struct Accumulator<c64> {
  using type = c128;
};
template <class T>
using accumulator_type = typename Accumulator<T>::type;

/// Complex conjugate that leaves real numbers real (std::conj of a float is complex).
template <class T>
constexpr T conjugate(T x) {
  if constexpr (is_complex_type<T>) {
    return T(x.real(), -x.imag());
  } else {
    return x;
  }
}

}  // namespace lrurec
