#include "ops/cumsum/kernels.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void cumsum_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    accumulator_type<T> total{};
    for (std::int64_t c = 0; c < columns; ++c) {
      total += accumulator_type<T>(x[r * columns + c]);
      y[r * columns + c] = T(total);
    }
  }
}

#define CUMSUM(T) template void cumsum_rows<T>(Cpu, std::int64_t, std::int64_t, const T*, T*);
CUMSUM(float)
CUMSUM(double)
CUMSUM(c64)
CUMSUM(c128)

}  // namespace lrurec::ops::kernels
