#include <algorithm>

#include "ops/dropout/kernels.h"
#include "ops/primitives/dropout_mask.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void dropout(Cpu, std::int64_t n, const T* x, const DropoutMask& mask, T* out) {
  constexpr std::int64_t block = 4096;
#pragma omp parallel for schedule(static) if (n > parallel_grain)
  for (std::int64_t start = 0; start < n; start += block) {
    const std::int64_t count = std::min(block, n - start);
    mask.apply(start, count, x + start, out + start);
  }
}

#define DROPOUT(T) template void dropout<T>(Cpu, std::int64_t, const T*, const DropoutMask&, T*);
DROPOUT(float)
DROPOUT(double)
DROPOUT(c64)
DROPOUT(c128)

}  // namespace lrurec::ops::kernels
