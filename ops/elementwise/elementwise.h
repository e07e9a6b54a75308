#pragma once
// Elementwise operations: y_i = f(x_i), and arithmetic with NumPy broadcasting.
//
// Every operation is a row of unary_table.h or binary_table.h: f and its derivative f'. The rule for complex
// gradients, dx = dy * conj(f'(x)), is written once, in elementwise.cpp.

#include "autograd/variable.h"

namespace lrurec::ops {

// x: any shape, f32 f64 c64 c128 unless noted; the result has the shape and dtype of x.
Variable neg(const Variable& x);
Variable exp(const Variable& x);
Variable log(const Variable& x);   ///< complex: principal branch
Variable sqrt(const Variable& x);  ///< complex: principal branch
Variable square(const Variable& x);
Variable reciprocal(const Variable& x);
Variable sin(const Variable& x);
Variable cos(const Variable& x);
Variable tanh(const Variable& x);
Variable sigmoid(const Variable& x);  ///< 1 / (1 + e^-x); real only
Variable relu(const Variable& x);     ///< max(x, 0), derivative 0 at 0; real only
Variable gelu(const Variable& x);  ///< x * Phi(x) with the exact erf (not the tanh approximation); real only

// a and b: shapes that broadcast; dtypes are promoted (real with complex gives complex). The gradient of a
// broadcast input is summed back to its shape, that of a real input of a complex result is the real part.
Variable add(const Variable& a, const Variable& b);
Variable sub(const Variable& a, const Variable& b);
Variable mul(const Variable& a, const Variable& b);
Variable div(const Variable& a, const Variable& b);

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
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor gelu(const Tensor& x);
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
}  // namespace raw

}  // namespace lrurec::ops

namespace lrurec {
using ops::operator-;
using ops::operator+;
using ops::operator*;
using ops::operator/;
}  // namespace lrurec
