#include <algorithm>
#include <bit>
#include <limits>

#include "ops/embedding/kernels.h"
#include "ops/embedding/runs.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/cuda/sort.h"
#include "tensor/dtype.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::lane, cuda::warp,
    cuda::warp_size;

constexpr int threads = 256, warps = threads / warp_size;

struct alignas(16) Bytes16 {
  std::uint64_t low, high;
};

// Threads with the same threadIdx.y copy one row, unit by unit.
template <class Unit>
__global__ void gather(std::int64_t n, std::int64_t units, const Unit* weight, const std::int64_t* ids,
                       Unit* out) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.y;
  for (std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y; t < n; t += step) {
    const Unit* from = weight + ids[t] * units;
    for (std::int64_t u = threadIdx.x; u < units; u += blockDim.x) out[t * units + u] = from[u];
  }
}

template <class Unit>
void launch_gather(std::int64_t n, std::int64_t units, const Unit* weight, const std::int64_t* ids,
                   Unit* out) {
  const auto across = std::bit_ceil(static_cast<unsigned>(std::clamp<std::int64_t>(units, 1, warp_size)));
  const dim3 block(across, threads / across);
  cuda::launch("embedding", gather<Unit>, cuda::blocks_for(n, static_cast<int>(block.y)), block, 0, n, units,
               weight, ids, out);
}

__global__ void keys_and_positions(std::int64_t n, const std::int64_t* ids, std::int32_t* keys,
                                   std::int32_t* positions) {
  for (std::int64_t t = global_thread(); t < n; t += grid_threads()) {
    keys[t] = static_cast<std::int32_t>(ids[t]);
    positions[t] = static_cast<std::int32_t>(t);
  }
}

/// Columns of a row in the registers of a warp: lane l has columns l + 32 k from where its tile begins.
constexpr int columns_per_lane = 4;
constexpr std::int64_t tile_columns = columns_per_lane * warp_size;

template <class E>
struct Columns {
  E at[columns_per_lane];
};

/// f(k, column) for the lane's columns of the tile blockIdx.y.
template <class F>
__device__ void for_columns(std::int64_t width, F&& f) {
#pragma unroll
  for (int k = 0; k < columns_per_lane; ++k) {
    const std::int64_t c = blockIdx.y * tile_columns + k * warp_size + lane();
    if (c < width) f(k, c);
  }
}

template <class E>
__device__ Columns<E> read(std::int64_t width, const E* row) {
  Columns<E> x;
  for_columns(width, [&](int k, std::int64_t c) { x.at[k] = row[c]; });
  return x;
}

// A warp sums the runs of one chunk of the sorted tokens. A run that lies inside the chunk is its own to add
// to the table; of a run that crosses, its part goes to `parts`. Four rows are on their way at a time.
template <class E>
__global__ void sum_runs(std::int64_t n, std::int64_t width, const std::int32_t* keys,
                         const std::int32_t* positions, const E* __restrict__ rows, E* __restrict__ total,
                         E* __restrict__ parts) {
  constexpr int together = 4;
  static_assert(run_chunk <= warp_size && run_chunk % together == 0);
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * warps + warp();
  if (c * run_chunk >= n) return;
  const ChunkOfRuns chunk(keys, n, c);
  const bool inside = lane() < chunk.last - chunk.first;
  const std::int32_t my_key = inside ? keys[chunk.first + lane()] : -1;
  const std::int32_t my_position = inside ? positions[chunk.first + lane()] : 0;

  Columns<E> sum;
  std::int32_t current = __shfl_sync(cuda::whole_warp, my_key, 0);
  for_columns(width, [&](int k, std::int64_t) { sum.at[k] = E(0); });
  const auto finish = [&] {
    const bool before = chunk.began_before(current);
    const bool crosses = before || chunk.goes_on(current);
    E* to = crosses ? parts + part_of_run(c, before) * width : total + current * width;
    for_columns(width, [&](int k, std::int64_t column) {
      to[column] = crosses ? sum.at[k] : to[column] + sum.at[k];
      sum.at[k] = E(0);
    });
  };
  for (int j = 0; j < run_chunk; j += together) {
    std::int32_t key[together];
    Columns<E> row[together];
#pragma unroll
    for (int i = 0; i < together; ++i) {
      key[i] = __shfl_sync(cuda::whole_warp, my_key, j + i);
      const std::int64_t position = __shfl_sync(cuda::whole_warp, my_position, j + i);
      if (key[i] >= 0) row[i] = read(width, rows + position * width);
    }
#pragma unroll
    for (int i = 0; i < together; ++i) {
      if (key[i] < 0) continue;
      if (key[i] != current) {
        finish();
        current = key[i];
      }
      for_columns(width, [&](int k, std::int64_t) { sum.at[k] += row[i].at[k]; });
    }
  }
  finish();
}

// The warp of the chunk in which a crossing run began adds its parts to the table, in order.
template <class E>
__global__ void join_runs(std::int64_t n, std::int64_t width, const std::int32_t* keys,
                          const E* __restrict__ parts, E* __restrict__ total) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * warps + warp();
  if (c * run_chunk >= n) return;
  const ChunkOfRuns chunk(keys, n, c);
  const std::int32_t key = keys[chunk.last - 1];
  if (chunk.began_before(key) || !chunk.goes_on(key)) return;
  // How many chunks it goes through after this one: the lanes look at 32 of them at once.
  std::int64_t end = c + 1;
  for (bool more = true; more; end += warp_size) {
    const std::int64_t first = (end + lane()) * run_chunk;
    const unsigned in_run = __ballot_sync(cuda::whole_warp, first < n && keys[first] == key);
    more = in_run == cuda::whole_warp;
    if (!more) end += __popc(in_run) - warp_size;
  }
  Columns<E> sum = read(width, parts + part_of_run(c, false) * width);
#pragma unroll 4
  for (std::int64_t d = c + 1; d < end; ++d) {
    const Columns<E> part = read(width, parts + part_of_run(d, true) * width);
    for_columns(width, [&](int k, std::int64_t) { sum.at[k] += part.at[k]; });
  }
  for_columns(width, [&](int k, std::int64_t column) { total[key * width + column] += sum.at[k]; });
}

}  // namespace

template <class T>
void gather_rows(Cuda, std::int64_t n, std::int64_t width, const T* weight, const std::int64_t* ids, T* out) {
  constexpr std::int64_t unit = sizeof(Bytes16);
  const std::int64_t row_bytes = width * static_cast<std::int64_t>(sizeof(T));
  const auto aligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % unit == 0; };
  if (row_bytes % unit == 0 && aligned(weight) && aligned(out)) {
    launch_gather(n, row_bytes / unit, reinterpret_cast<const Bytes16*>(weight), ids,
                  reinterpret_cast<Bytes16*>(out));
  } else {
    launch_gather(n, width, elements(weight), ids, elements(out));
  }
}

template <class T>
void scatter_add_rows(Cuda, std::int64_t n, std::int64_t width, std::int64_t N, const T* rows,
                      const std::int64_t* ids, T* total) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (n > most || N > most) fail_op("embedding", "{} ids of {} rows: the GPU sorts up to {}", n, N, most);
  if (n == 0 || width == 0) return;
  const cuda::Scratch<std::int32_t> keys(n), positions(n), sorted_keys(n), sorted_positions(n);
  cuda::launch("embedding", keys_and_positions, cuda::blocks_for(n, threads), threads, 0, n, ids, keys.data(),
               positions.data());
  cuda::sort_pairs(n, N, keys.data(), positions.data(), sorted_keys.data(), sorted_positions.data());

  const std::int64_t chunks = (n + run_chunk - 1) / run_chunk;
  const cuda::Scratch<T> parts(2 * chunks * width);
  const dim3 grid(static_cast<unsigned>((chunks + warps - 1) / warps),
                  static_cast<unsigned>((width + tile_columns - 1) / tile_columns));
  cuda::launch("embedding", sum_runs<element<T>>, grid, threads, 0, n, width, sorted_keys.data(),
               sorted_positions.data(), elements(rows), elements(total), elements(parts.data()));
  if (chunks > 1) {
    cuda::launch("embedding", join_runs<element<T>>, grid, threads, 0, n, width, sorted_keys.data(),
                 elements(parts.data()), elements(total));
  }
}

#define EMBEDDING(T)                                                                                 \
  template void gather_rows<T>(Cuda, std::int64_t, std::int64_t, const T*, const std::int64_t*, T*); \
  template void scatter_add_rows<T>(Cuda, std::int64_t, std::int64_t, std::int64_t, const T*,        \
                                    const std::int64_t*, T*);
EMBEDDING(float)
EMBEDDING(double)
EMBEDDING(c64)
EMBEDDING(c128)

}  // namespace lrurec::ops::kernels
