#include "ops/dropout/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/pack.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads;

// A thread takes four elements, which share a Philox counter. `packed`: it reads and writes them together.
template <class R, bool packed, class E>
__global__ void apply(std::int64_t n, const E* x, DropoutMask mask, E* out) {
  for (std::int64_t four = global_thread(); 4 * four < n; four += grid_threads()) {
    const auto factors = mask.factors<R>(static_cast<std::uint64_t>(four));
    if (packed && 4 * four + 4 <= n) {
      auto values = cuda::load<4>(x + 4 * four);
      for (int j = 0; j < 4; ++j) values[j] *= factors[static_cast<std::size_t>(j)];
      cuda::store(out + 4 * four, values);
      continue;
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (4 * four + j < n) out[4 * four + j] = x[4 * four + j] * factors[static_cast<std::size_t>(j)];
    }
  }
}

}  // namespace

template <class T>
void dropout(Cuda, std::int64_t n, const T* x, const DropoutMask& mask, T* out) {
  using R = real_type<T>;
  const auto kernel = cuda::in_fours(4, x, out) ? apply<R, true, element<T>> : apply<R, false, element<T>>;
  cuda::launch("dropout", kernel, cuda::blocks_for((n + 3) / 4), cuda::block_threads, 0, n, elements(x), mask,
               elements(out));
}

#define DROPOUT(T) template void dropout<T>(Cuda, std::int64_t, const T*, const DropoutMask&, T*);
DROPOUT(float)
DROPOUT(double)
DROPOUT(c64)
DROPOUT(c128)

}  // namespace lrurec::ops::kernels
