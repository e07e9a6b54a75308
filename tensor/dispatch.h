#pragma once
// From a run-time DType to a compile-time element type:
//
//   dispatch_inexact("exp", x.dtype(), [&]<class T>() { ... });

#include <initializer_list>
#include <string_view>

#include "tensor/dtype.h"
#include "tensor/error.h"

namespace lrurec {

[[noreturn]] void fail_dtype(std::string_view op, DType dtype, std::initializer_list<DType> supported);

/// Calls `f.operator()<T>()` for the T of `dtype` among Ts. Any other dtype is an error of `op` that names
/// the Ts.
template <class... Ts, class F>
void dispatch_types(std::string_view op, DType dtype, F&& f) {
  const bool found = ((dtype == dtype_of<Ts> ? (f.template operator()<Ts>(), true) : false) || ...);
  if (!found) fail_dtype(op, dtype, {dtype_of<Ts>...});
}

/// For f32 and f64.
template <class F>
void dispatch_real(std::string_view op, DType dtype, F&& f) {
  dispatch_types<float, double>(op, dtype, f);
}

/// For f32, f64, c64 and c128.
template <class F>
void dispatch_inexact(std::string_view op, DType dtype, F&& f) {
  dispatch_types<float, double, c64, c128>(op, dtype, f);
}

/// For every dtype.
template <class F>
void dispatch_all(std::string_view op, DType dtype, F&& f) {
  dispatch_types<bool, std::int32_t, std::int64_t, float, double, c64, c128>(op, dtype, f);
}

}  // namespace lrurec
