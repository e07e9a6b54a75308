#pragma once

#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::cpu {

/// out = |z|; operands out, z. hypot: no overflow or underflow on the way.
template <class T>
void abs_forward(const StridedLoop<2>& loop, real_type<T>* out, const T* z);

/// dz = dy z / |z|, 0 at z = 0; operands dz, dy, z.
template <class T>
void abs_backward(const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z);

}  // namespace lrurec::ops::cpu
