#pragma once

#include "tensor/device.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

/// out = condition ? a : b; operands out (dense), condition, a, b.
template <class T>
void where(Cpu, const StridedLoop<4>& loop, T* out, const bool* condition, const T* a, const T* b);
template <class T>
void where(Cuda, const StridedLoop<4>& loop, T* out, const bool* condition, const T* a, const T* b);

}  // namespace lrurec::ops::kernels
