#pragma once
// Between real and complex tensors. Products, exp and the other complex functions are in ops/elementwise.
//
// Gradients follow autograd/variable.h: grad = dL/dx + i dL/dy for z = x + iy.

#include "autograd/variable.h"

namespace lrurec::ops {

/// z = re + i im; re and im: real, same shape and dtype. Backward: dre = Re(dz), dim = Im(dz).
Variable complex(const Variable& re, const Variable& im);
/// z = r e^{i theta}; r and theta: real, same shape and dtype. Backward, with w = dz e^{-i theta}: dr =
/// Re(w), dtheta = r Im(w).
Variable polar(const Variable& r, const Variable& theta);
/// z = x + 0i; a complex x is returned as it is.
Variable to_complex(const Variable& x);

/// The real part; a real z is returned as it is. Backward: dz = dy.
Variable real(const Variable& z);
/// The imaginary part; z must be complex. Backward: dz = i dy.
Variable imag(const Variable& z);
/// The complex conjugate; a real z is returned as it is. Backward: dz = conj(dy).
Variable conj(const Variable& z);
/// |z|, real; gradient dy z / |z|, and 0 at z = 0. Also for real x.
Variable abs(const Variable& z);
/// arg z in -pi..pi, real; gradient dy i z / |z|^2, and 0 at z = 0. For a real z: 0, or pi where z < 0;
/// gradient 0.
Variable angle(const Variable& z);

/// [...] complex as [..., 2] real (re, im): a view of the same memory.
Variable view_as_real(const Variable& z);
/// [..., 2] real as [...] complex: a view where the two parts of each number are neighbours at an even
/// offset, else a copy.
Variable view_as_complex(const Variable& x);

namespace raw {
Tensor complex(const Tensor& re, const Tensor& im);
Tensor polar(const Tensor& r, const Tensor& theta);
Tensor to_complex(const Tensor& x);
Tensor real(const Tensor& z);
Tensor imag(const Tensor& z);
Tensor conj(const Tensor& z);
Tensor abs(const Tensor& z);
Tensor angle(const Tensor& z);
}  // namespace raw

}  // namespace lrurec::ops
