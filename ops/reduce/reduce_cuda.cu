#include "ops/primitives/chunks.h"
#include "ops/primitives/column_sum_cuda.h"
#include "ops/reduce/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::Chunks, cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::lane,
    cuda::warp, cuda::warp_size;

template <class S>
struct PartOf {
  using type = S;
};
template <class R>
struct PartOf<cuda::complex<R>> {
  using type = R;
};

/// A function that sums over a warp or a block, applied to both parts of a complex number.
template <class S, class F>
__device__ S by_parts(const S& x, F&& sum) {
  if constexpr (cuda::is_complex_element<S>) {
    const auto re = sum(x.real());
    return S(re, sum(x.imag()));
  } else {
    return sum(x);
  }
}

// A block sums one chunk (blockIdx.y) of one row (blockIdx.x).
template <class Sum, class In, class Out>
__global__ void sum_long_rows(Chunks chunks, const In* x, Out* out, double divisor) {
  using Real = typename PartOf<Sum>::type;
  __shared__ Real partial[warp_size];
  const In* row = x + blockIdx.x * chunks.n;
  Sum total(0);
  for (std::int64_t c = chunks.begin(blockIdx.y) + threadIdx.x; c < chunks.end(blockIdx.y); c += blockDim.x) {
    total += Sum(row[c]);
  }
  total = by_parts(total, [&](Real part) { return cuda::block_sum(part, partial); });
  if (threadIdx.x == 0)
    out[static_cast<std::int64_t>(blockIdx.x) * gridDim.y + blockIdx.y] =
        Out(by_parts(total, [&](Real part) { return part / divisor; }));
}

// A warp sums a row.
template <class Sum, class In, class Out>
__global__ void sum_short_rows(std::int64_t rows, std::int64_t columns, const In* x, Out* out,
                               double divisor) {
  const std::int64_t r = static_cast<std::int64_t>(blockIdx.x) * cuda::block_warps + warp();
  if (r >= rows) return;
  Sum total(0);
  for (std::int64_t c = lane(); c < columns; c += warp_size) total += Sum(x[r * columns + c]);
  total = by_parts(total, [](auto part) { return cuda::warp_sum(part); });
  if (lane() == 0) out[r] = Out(by_parts(total, [&](auto part) { return part / divisor; }));
}

template <class Sum, class In, class Out>
void launch_short_rows(std::int64_t rows, std::int64_t columns, const In* x, Out* out, double divisor) {
  cuda::launch("sum", sum_short_rows<Sum, In, Out>,
               static_cast<unsigned>((rows + cuda::block_warps - 1) / cuda::block_warps), cuda::block_threads,
               0, rows, columns, x, out, divisor);
}

template <class T>
struct Best {
  T value;
  std::int64_t at;
};

/// The larger of the two; NaN counts as larger than any number, and of equal ones the first wins.
template <class T>
__device__ Best<T> better(const Best<T>& a, const Best<T>& b) {
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  const bool same = a_nan ? b_nan : a.value == b.value;
  const bool b_wins = same ? b.at < a.at : b_nan || (!a_nan && b.value > a.value);
  return b_wins ? b : a;
}

// A warp takes a row: the best of each lane's columns, then the best of the lanes. Lanes without columns
// repeat the first column.
template <class T>
__global__ void argmax(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index) {
  const std::int64_t r = static_cast<std::int64_t>(blockIdx.x) * cuda::block_warps + warp();
  if (r >= rows) return;
  const T* row = x + r * columns;
  Best<T> best{row[0], 0};
  for (std::int64_t c = lane(); c < columns; c += warp_size) best = better(best, Best<T>{row[c], c});
  for (int step = warp_size / 2; step > 0; step /= 2) {
    const Best<T> other{__shfl_xor_sync(cuda::whole_warp, best.value, step),
                        __shfl_xor_sync(cuda::whole_warp, best.at, step)};
    best = better(best, other);
  }
  if (lane() == 0) index[r] = best.at;
}

template <class T>
__global__ void gather_chosen_kernel(Chosen chosen, const T* x, T* y) {
  for (std::int64_t r = global_thread(); r < chosen.rows; r += grid_threads()) y[r] = x[chosen.position(r)];
}

template <class T>
__global__ void scatter_chosen_kernel(Chosen chosen, const T* dy, T* dx) {
  for (std::int64_t r = global_thread(); r < chosen.rows; r += grid_threads()) dx[chosen.position(r)] = dy[r];
}

}  // namespace

template <class T>
void sum_rows(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor) {
  using Sum = accumulator_type<T>;
  using E = element<Sum>;
  constexpr std::int64_t short_row = 1024;
  if (columns <= short_row) {
    launch_short_rows<E>(rows, columns, elements(x), elements(out), divisor);
    return;
  }
  const Chunks chunks(columns, 4096, 256);
  const dim3 grid(static_cast<unsigned>(rows), static_cast<unsigned>(chunks.count));
  if (chunks.count == 1) {
    cuda::launch("sum", sum_long_rows<E, element<T>, element<T>>, grid, cuda::block_threads, 0, chunks,
                 elements(x), elements(out), divisor);
    return;
  }
  const cuda::Scratch<Sum> partial(rows * chunks.count);
  cuda::launch("sum", sum_long_rows<E, element<T>, E>, grid, cuda::block_threads, 0, chunks, elements(x),
               elements(partial.data()), 1.0);
  launch_short_rows<E>(rows, chunks.count, static_cast<const E*>(elements(partial.data())), elements(out),
                       divisor);
}

template <class T>
void sum_columns(Cuda where, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor) {
  if (columns == 1) {  // neighbours in memory
    sum_rows(where, 1, rows, x, out, divisor);
  } else {
    cuda::column_sum(rows, columns, x, out, divisor);
  }
}

template <class T>
void argmax_rows(Cuda, std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index) {
  cuda::launch("argmax", argmax<T>, static_cast<unsigned>((rows + cuda::block_warps - 1) / cuda::block_warps),
               cuda::block_threads, 0, rows, columns, x, index);
}

template <class T>
void gather_chosen(Cuda, const Chosen& chosen, const T* x, T* y) {
  cuda::launch("max", gather_chosen_kernel<T>, cuda::blocks_for(chosen.rows), cuda::block_threads, 0, chosen,
               x, y);
}

template <class T>
void scatter_chosen(Cuda, const Chosen& chosen, const T* dy, T* dx) {
  cuda::launch("max", scatter_chosen_kernel<T>, cuda::blocks_for(chosen.rows), cuda::block_threads, 0, chosen,
               dy, dx);
}

#define SUMS(T)                                                                      \
  template void sum_rows<T>(Cuda, std::int64_t, std::int64_t, const T*, T*, double); \
  template void sum_columns<T>(Cuda, std::int64_t, std::int64_t, const T*, T*, double);
SUMS(float)
SUMS(double)
SUMS(c64)
SUMS(c128)

#define CHOICES(T)                                                                         \
  template void argmax_rows<T>(Cuda, std::int64_t, std::int64_t, const T*, std::int64_t*); \
  template void gather_chosen<T>(Cuda, const Chosen&, const T*, T*);                       \
  template void scatter_chosen<T>(Cuda, const Chosen&, const T*, T*);
CHOICES(float)
CHOICES(double)

}  // namespace lrurec::ops::kernels
