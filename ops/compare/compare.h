#pragma once
// Comparisons, and logic on their results: boolean Tensors, which carry no gradient.

#include "autograd/variable.h"
#include "ops/elementwise/elementwise.h"

namespace lrurec::ops {

namespace raw {
/// y_i = (a_i == b_i), ..., boolean. Shapes broadcast and dtypes are promoted. Complex numbers can be equal
/// but have no order. NaN is not equal to anything, and neither less nor greater.
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);

/// a and b are boolean; shapes broadcast.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& a);
}  // namespace raw

// equal(a, b), ... for Tensors, for the values of Variables, and for either with a number on the right.
#define LRUREC_COMPARISON(NAME)                                                                        \
  inline Tensor NAME(const Variable& a, const Variable& b) { return raw::NAME(a.value(), b.value()); } \
  inline Tensor NAME(const Variable& a, double b) {                                                    \
    return raw::NAME(a.value(), raw::scalar_like(b, a.value()));                                       \
  }                                                                                                    \
  namespace raw {                                                                                      \
  inline Tensor NAME(const Tensor& a, double b) { return raw::NAME(a, raw::scalar_like(b, a)); }       \
  }
LRUREC_COMPARISON(equal)
LRUREC_COMPARISON(not_equal)
LRUREC_COMPARISON(less)
LRUREC_COMPARISON(less_equal)
LRUREC_COMPARISON(greater)
LRUREC_COMPARISON(greater_equal)
#undef LRUREC_COMPARISON

// a < b, x >= 0.5, 0 < x: boolean Tensors. There is no ==: everywhere else it asks whether two things are the
// same.
#define LRUREC_COMPARISON(OP, NAME, REVERSED)                                             \
  inline Tensor operator OP(const Variable& a, const Variable& b) { return NAME(a, b); }  \
  inline Tensor operator OP(const Variable& a, double b) { return NAME(a, b); }           \
  inline Tensor operator OP(double a, const Variable& b) { return REVERSED(b, a); }       \
  inline Tensor operator OP(const Tensor& a, const Tensor& b) { return raw::NAME(a, b); } \
  inline Tensor operator OP(const Tensor& a, double b) { return raw::NAME(a, b); }        \
  inline Tensor operator OP(double a, const Tensor& b) { return raw::REVERSED(b, a); }
LRUREC_COMPARISON(<, less, greater)
LRUREC_COMPARISON(<=, less_equal, greater_equal)
LRUREC_COMPARISON(>, greater, less)
LRUREC_COMPARISON(>=, greater_equal, less_equal)
#undef LRUREC_COMPARISON

}  // namespace lrurec::ops

namespace lrurec {
using ops::operator<, ops::operator<=, ops::operator>, ops::operator>=;
}  // namespace lrurec
