#pragma once

#include <cstdint>

#include "tensor/dropout_mask.h"

namespace lrurec::ops::cpu {

/// out[i] = x[i] * mask of element i.
template <class T>
void dropout(std::int64_t n, const T* x, const DropoutMask& mask, T* out);

}  // namespace lrurec::ops::cpu
