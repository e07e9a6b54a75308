#pragma once
// Kernels of the elementwise operations. `out` is dense and row-major; inputs have the shape of the loop with
// their own strides (0 where broadcast). Operand order in the loop: out, then the inputs.

#include "tensor/device.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

/// out = f(x)
template <class Row, class T>
void unary_forward(Cpu, const StridedLoop<2>& loop, T* out, const T* x);
template <class Row, class T>
void unary_forward(Cuda, const StridedLoop<2>& loop, T* out, const T* x);

/// dx = dy * conj(f'(x)); operands dx, dy, x, y.
template <class Row, class T>
void unary_backward(Cpu, const StridedLoop<4>& loop, T* dx, const T* dy, const T* x, const T* y);
template <class Row, class T>
void unary_backward(Cuda, const StridedLoop<4>& loop, T* dx, const T* dy, const T* x, const T* y);

/// out = f(a, b)
template <class Row, class T>
void binary_forward(Cpu, const StridedLoop<3>& loop, T* out, const T* a, const T* b);
template <class Row, class T>
void binary_forward(Cuda, const StridedLoop<3>& loop, T* out, const T* a, const T* b);

/// da = dy * conj(df/da) (or by b), over the broadcast shape; operands out, dy, a, b.
template <class Row, class T>
void binary_backward_a(Cpu, const StridedLoop<4>& loop, T* da, const T* dy, const T* a, const T* b);
template <class Row, class T>
void binary_backward_a(Cuda, const StridedLoop<4>& loop, T* da, const T* dy, const T* a, const T* b);
template <class Row, class T>
void binary_backward_b(Cpu, const StridedLoop<4>& loop, T* db, const T* dy, const T* a, const T* b);
template <class Row, class T>
void binary_backward_b(Cuda, const StridedLoop<4>& loop, T* db, const T* dy, const T* a, const T* b);

}  // namespace lrurec::ops::kernels
