#pragma once
// Elementwise operations: y_i = f(x_i), and arithmetic with NumPy broadcasting. Their names, formulas and
// derivatives are the lines of unary.inc and binary.inc: read those.

#include "autograd/variable.h"

namespace lrurec::ops {

/// exp(x), gelu(x), ...: x of any shape, f32 f64, and c64 c128 where the line says so; the result has the
/// shape and dtype of x.
#define UNARY(NAME, KINDS, VALUES, F, DF) Variable NAME(const Variable& x);
#include "ops/elementwise/unary.inc"

/// add(a, b), mul(a, b), ...: shapes that broadcast; dtypes are promoted (real with complex gives complex).
/// The gradient of a broadcast input is summed back to its shape, that of a real input of a complex result is
/// the real part.
#define BINARY(NAME, VALUES, F, DFA, DFB) Variable NAME(const Variable& a, const Variable& b);
#include "ops/elementwise/binary.inc"

Variable add(const Variable& a, double b);
Variable mul(const Variable& a, double b);

inline Variable operator-(const Variable& x) { return neg(x); }
inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }
inline Variable operator-(const Variable& a, const Variable& b) { return sub(a, b); }
inline Variable operator*(const Variable& a, const Variable& b) { return mul(a, b); }
inline Variable operator/(const Variable& a, const Variable& b) { return div(a, b); }
inline Variable operator+(const Variable& a, double b) { return add(a, b); }
inline Variable operator*(const Variable& a, double b) { return mul(a, b); }
inline Variable operator*(double a, const Variable& b) { return mul(b, a); }

namespace raw {
#define UNARY(NAME, KINDS, VALUES, F, DF) Tensor NAME(const Tensor& x);
#include "ops/elementwise/unary.inc"
#define BINARY(NAME, VALUES, F, DFA, DFB) Tensor NAME(const Tensor& a, const Tensor& b);
#include "ops/elementwise/binary.inc"
}  // namespace raw

}  // namespace lrurec::ops

namespace lrurec {
using ops::operator-;
using ops::operator+;
using ops::operator*;
using ops::operator/;
}  // namespace lrurec
