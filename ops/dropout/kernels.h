#pragma once

#include <cstdint>

#include "ops/primitives/dropout_mask.h"
#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// out[i] = x[i] * mask of element i.
template <class T>
void dropout(Cpu, std::int64_t n, const T* x, const DropoutMask& mask, T* out);
template <class T>
void dropout(Cuda, std::int64_t n, const T* x, const DropoutMask& mask, T* out);

}  // namespace lrurec::ops::kernels
