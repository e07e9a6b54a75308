#pragma once
// Kernels under Tensor::fill_, copy_ and add_; operands of the loop in the order of the pointers.

#include "tensor/device.h"
#include "tensor/strided_loop.h"

namespace lrurec::kernels {

template <class T>
void fill(Cpu, const StridedLoop<1>& loop, T* to, T value);
template <class T>
void fill(Cuda, const StridedLoop<1>& loop, T* to, T value);

/// to = from, converted.
template <class To, class From>
void copy(Cpu, const StridedLoop<2>& loop, To* to, const From* from);
template <class To, class From>
void copy(Cuda, const StridedLoop<2>& loop, To* to, const From* from);

/// to += from
template <class T>
void add(Cpu, const StridedLoop<2>& loop, T* to, const T* from);
template <class T>
void add(Cuda, const StridedLoop<2>& loop, T* to, const T* from);

}  // namespace lrurec::kernels
