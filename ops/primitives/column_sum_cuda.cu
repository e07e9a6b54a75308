#include "ops/primitives/column_sum_cuda.h"

#include "ops/primitives/chunks.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/dtype.h"

namespace lrurec::cuda {
namespace {

// A block sums the rows of one chunk (blockIdx.y) in 32 columns (blockIdx.x). A lane takes a column, so that
// a warp reads neighbours. The warps take rows in turn, and their sums are joined in order. Columns from
// `split` on go to `right`.
template <int warps, class In, class Out>
__global__ void __launch_bounds__(warps* warp_size)
    sum_chunk(Chunks chunks, std::int64_t columns, std::int64_t split, const In* x, Out* left, Out* right,
              double divisor) {
  __shared__ double partial[warps][warp_size];
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * warp_size + lane();
  double total = 0;
  if (c < columns) {
#pragma unroll 8
    for (std::int64_t r = chunks.begin(blockIdx.y) + warp(); r < chunks.end(blockIdx.y); r += warps) {
      total += static_cast<double>(x[r * columns + c]);
    }
  }
  partial[warp()][lane()] = total;
  __syncthreads();
  if (warp() == 0 && c < columns) {
    for (int w = 1; w < warps; ++w) total += partial[w][lane()];
    Out* out = c < split ? left + c : right + (c - split);
    out[static_cast<std::int64_t>(blockIdx.y) * columns] = static_cast<Out>(total / divisor);
  }
}

template <class T>
void sum_real(std::int64_t rows, std::int64_t columns, std::int64_t split, const T* x, T* left, T* right,
              double divisor) {
  // Few rows are summed in one go, by as many warps as a block can have, so that reads of a column overlap.
  constexpr std::int64_t few = 512;
  constexpr int many_warps = 32, warps = 8;
  const auto tiles = static_cast<unsigned>((columns + warp_size - 1) / warp_size);
  if (rows <= few) {
    launch("column_sum", sum_chunk<many_warps, T, T>, dim3(tiles), many_warps * warp_size, 0,
           Chunks(rows, few, 1), columns, split, x, left, right, divisor);
    return;
  }
  const Chunks chunks(rows, 64, few);
  const Scratch<double> partial(chunks.count * columns);
  launch("column_sum", sum_chunk<warps, T, double>, dim3(tiles, static_cast<unsigned>(chunks.count)),
         warps * warp_size, 0, chunks, columns, columns, x, partial.data(), partial.data(), 1.0);
  launch("column_sum", sum_chunk<many_warps, double, T>, dim3(tiles), many_warps * warp_size, 0,
         Chunks(chunks.count, few, 1), columns, split, static_cast<const double*>(partial.data()), left,
         right, divisor);
}

}  // namespace

// A complex column is two real ones.
template <class T>
void column_sum(std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor) {
  using R = real_type<T>;
  constexpr std::int64_t parts = sizeof(T) / sizeof(R);
  sum_real(rows, parts * columns, parts * columns, reinterpret_cast<const R*>(x), reinterpret_cast<R*>(out),
           reinterpret_cast<R*>(out), divisor);
}

template <class T>
void column_sum(std::int64_t rows, std::int64_t columns, const T* x, T* left, T* right) {
  sum_real(rows, 2 * columns, columns, x, left, right, 1);
}

template void column_sum(std::int64_t, std::int64_t, const float*, float*, double);
template void column_sum(std::int64_t, std::int64_t, const double*, double*, double);
template void column_sum(std::int64_t, std::int64_t, const c64*, c64*, double);
template void column_sum(std::int64_t, std::int64_t, const c128*, c128*, double);
template void column_sum(std::int64_t, std::int64_t, const float*, float*, float*);
template void column_sum(std::int64_t, std::int64_t, const double*, double*, double*);

}  // namespace lrurec::cuda
