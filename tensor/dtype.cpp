#include "tensor/dtype.h"

#include <algorithm>

#include "tensor/dispatch.h"
#include "tensor/error.h"

namespace lrurec {

std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return "bool";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::c64:
      return "c64";
    case DType::c128:
      return "c128";
  }
  return "?";
}

void fail_dtype(std::string_view op, DType dtype, std::initializer_list<DType> supported) {
  std::string names;
  for (const DType one : supported) names += (names.empty() ? "" : ", ") + std::string(name(one));
  fail_op(op, "dtype {} is not supported, {} {}; Tensor::to converts", name(dtype), names,
          supported.size() == 1 ? "is" : "are");
}

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return 1;
    case DType::i32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::f64:
    case DType::c64:
      return 8;
    case DType::c128:
      return 16;
  }
  return 0;
}

DType real_of(DType dtype) {
  if (dtype == DType::c64) return DType::f32;
  if (dtype == DType::c128) return DType::f64;
  return dtype;
}

DType complex_of(DType dtype) {
  if (dtype == DType::f32) return DType::c64;
  if (dtype == DType::f64) return DType::c128;
  if (!is_complex(dtype)) fail_op("complex_of", "{} has no complex counterpart", name(dtype));
  return dtype;
}

DType promote(DType a, DType b) {
  const bool any_complex = is_complex(a) || is_complex(b);
  const bool any_double = real_of(a) == DType::f64 || real_of(b) == DType::f64;
  if (any_complex) return any_double ? DType::c128 : DType::c64;
  return std::max(a, b);
}

}  // namespace lrurec
