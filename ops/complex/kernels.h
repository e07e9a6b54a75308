#pragma once

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

/// out = |z|; operands out, z. By hypot, which neither overflows nor underflows on the way.
template <class T>
void abs_forward(Cpu, const StridedLoop<2>& loop, real_type<T>* out, const T* z);
template <class T>
void abs_forward(Cuda, const StridedLoop<2>& loop, real_type<T>* out, const T* z);

/// dz = dy z / |z|, 0 at z = 0; operands dz, dy, z.
template <class T>
void abs_backward(Cpu, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z);
template <class T>
void abs_backward(Cuda, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z);

/// out = arg z in -pi..pi; 0 or pi for a real z. Operands out, z.
template <class T>
void angle_forward(Cpu, const StridedLoop<2>& loop, real_type<T>* out, const T* z);
template <class T>
void angle_forward(Cuda, const StridedLoop<2>& loop, real_type<T>* out, const T* z);

/// dz = dy i z / |z|^2, 0 at z = 0 and for real z; operands dz, dy, z.
template <class T>
void angle_backward(Cpu, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z);
template <class T>
void angle_backward(Cuda, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z);

}  // namespace lrurec::ops::kernels
