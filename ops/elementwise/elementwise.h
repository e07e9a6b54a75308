#pragma once
// Elementwise operations: y_i = f(x_i), and arithmetic with NumPy broadcasting. Their names, formulas and
// derivatives are the lines of unary.inc and binary.inc: read those.

#include "autograd/variable.h"

namespace lrurec::ops {

/// exp(x), gelu(x), ...: x of any shape, f32 f64, and c64 c128 where the line says so; the result has the
/// shape and dtype of x. Backward: dx = dy conj(f'(x)).
#define UNARY(NAME, KINDS, VALUES, F, DF) Variable NAME(const Variable& x);
#include "ops/elementwise/unary.inc"

/// add(a, b), maximum(a, b), ...: shapes broadcast and dtypes are promoted. Real with complex gives complex.
/// A tensor without dimensions promotes like any other. Integers on both sides are an error, except in
/// comparisons. The gradient of a broadcast input is summed back to its shape; a real input of a complex
/// result gets the real part.
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) Variable NAME(const Variable& a, const Variable& b);
#include "ops/elementwise/binary.inc"
/// The same with a number, which takes the precision of the other operand: maximum(x, 0), pow(2, x), ...
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) Variable NAME(const Variable& a, double b);
#include "ops/elementwise/binary.inc"
/// The number may stand on the left.
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) Variable NAME(double a, const Variable& b);
#include "ops/elementwise/binary.inc"

/// A number as a tensor without dimensions that goes with x: in the precision of x, on its device. Where x
/// holds integers, a whole number becomes an integer and any other f64.
Variable scalar_like(double value, const Variable& x);

namespace raw {
#define UNARY(NAME, KINDS, VALUES, F, DF) Tensor NAME(const Tensor& x);
#include "ops/elementwise/unary.inc"
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) Tensor NAME(const Tensor& a, const Tensor& b);
#include "ops/elementwise/binary.inc"
Tensor scalar_like(double value, const Tensor& x);
}  // namespace raw

// a + b, a - 1, 2 / b, ... for Variables, for Tensors, and for either with a number. `a += b` means `a = a +
// b`: the Variable a then holds a new result, and whoever else holds the old value keeps it.
#define LRUREC_ARITHMETIC(OP, NAME)                                                                     \
  inline Variable operator OP(const Variable& a, const Variable& b) { return NAME(a, b); }              \
  inline Variable operator OP(const Variable& a, double b) { return NAME(a, b); }                       \
  inline Variable operator OP(double a, const Variable& b) { return NAME(a, b); }                       \
  inline Tensor operator OP(const Tensor& a, const Tensor& b) { return raw::NAME(a, b); }               \
  inline Tensor operator OP(const Tensor& a, double b) { return raw::NAME(a, raw::scalar_like(b, a)); } \
  inline Tensor operator OP(double a, const Tensor& b) { return raw::NAME(raw::scalar_like(a, b), b); } \
  inline Variable& operator OP##=(Variable& a, const Variable& b) { return a = NAME(a, b); }            \
  inline Variable& operator OP##=(Variable& a, double b) { return a = NAME(a, b); }
LRUREC_ARITHMETIC(+, add)
LRUREC_ARITHMETIC(-, sub)
LRUREC_ARITHMETIC(*, mul)
LRUREC_ARITHMETIC(/, div)
#undef LRUREC_ARITHMETIC
inline Variable operator-(const Variable& x) { return neg(x); }
inline Tensor operator-(const Tensor& x) { return raw::neg(x); }

}  // namespace lrurec::ops

namespace lrurec {
using ops::operator-, ops::operator+, ops::operator*, ops::operator/;
using ops::operator-=, ops::operator+=, ops::operator*=, ops::operator/=;
}  // namespace lrurec
