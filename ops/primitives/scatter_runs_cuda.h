#pragma once
// For CUDA kernel files only: rows added to a table at their ids, without atomics and so in a fixed order.
// The ids are sorted; a warp sums the rows of equal ids and adds them to the table once.

#include <limits>
#include <string_view>

#include "ops/primitives/runs.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/cuda/sort.h"
#include "tensor/error.h"

namespace lrurec::cuda {
namespace runs {

constexpr int threads_of_runs = 256, warps_of_runs = threads_of_runs / warp_size;

// An id below 0 sorts after all others, as key N.
static __global__ void keys_and_positions(std::int64_t n, std::int64_t N, const std::int64_t* ids,
                                          std::int32_t* keys, std::int32_t* positions) {
  for (std::int64_t t = global_thread(); t < n; t += grid_threads()) {
    keys[t] = static_cast<std::int32_t>(ids[t] < 0 ? N : ids[t]);
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

// A warp sums the runs of one chunk of the sorted tokens. It adds a run that lies inside the chunk to the
// table. Its part of a run that crosses chunks goes to `parts`. Four rows are loaded at a time.
template <class Row, class E>
__global__ void sum_runs(std::int64_t n, std::int64_t N, std::int64_t width, const std::int32_t* keys,
                         const std::int32_t* positions, Row row_of, E* __restrict__ total,
                         E* __restrict__ parts) {
  constexpr int together = 4;
  static_assert(run_chunk <= warp_size && run_chunk % together == 0);
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * warps_of_runs + warp();
  if (c * run_chunk >= n) return;
  const ChunkOfRuns chunk(keys, n, c);
  const bool inside = lane() < chunk.last - chunk.first;
  const std::int32_t my_key = inside ? keys[chunk.first + lane()] : -1;
  const std::int32_t my_position = inside ? positions[chunk.first + lane()] : 0;

  Columns<E> sum;
  std::int32_t current = __shfl_sync(whole_warp, my_key, 0);
  for_columns(width, [&](int k, std::int64_t) { sum.at[k] = E(0); });
  const auto finish = [&] {
    if (current == N) return;  // ids below 0
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
      key[i] = __shfl_sync(whole_warp, my_key, j + i);
      const std::int64_t position = __shfl_sync(whole_warp, my_position, j + i);
      if (key[i] < 0 || key[i] == N) continue;
      for_columns(width, [&](int k, std::int64_t column) { row[i].at[k] = row_of(position, column); });
    }
#pragma unroll
    for (int i = 0; i < together; ++i) {
      if (key[i] < 0 || key[i] == N) continue;
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
__global__ void join_runs(std::int64_t n, std::int64_t N, std::int64_t width, const std::int32_t* keys,
                          const E* __restrict__ parts, E* __restrict__ total) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * warps_of_runs + warp();
  if (c * run_chunk >= n) return;
  const ChunkOfRuns chunk(keys, n, c);
  const std::int32_t key = keys[chunk.last - 1];
  if (key == N || chunk.began_before(key) || !chunk.goes_on(key)) return;
  // How many chunks it goes through after this one: the lanes look at 32 of them at once.
  std::int64_t end = c + 1;
  for (bool more = true; more; end += warp_size) {
    const std::int64_t first = (end + lane()) * run_chunk;
    const unsigned in_run = __ballot_sync(whole_warp, first < n && keys[first] == key);
    more = in_run == whole_warp;
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

}  // namespace runs

/// n ids of rows of a table of N, in the order in which add_runs takes them.
class SortedIds {
 public:
  SortedIds(const char* op, std::int64_t n, std::int64_t N, const std::int64_t* ids)
      : n_(n), N_(N), keys_(n), positions_(n) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() - 1;
    if (n > most || N > most) fail_op(op, "{} ids of {} rows: the GPU sorts up to {}", n, N, most);
    if (n == 0) return;
    const Scratch<std::int32_t> keys(n), positions(n);
    launch(op, runs::keys_and_positions, blocks_for(n), 256, 0, n, N, ids, keys.data(), positions.data());
    sort_pairs(n, N + 1, keys.data(), positions.data(), keys_.data(), positions_.data());
  }
  std::int64_t n() const { return n_; }
  std::int64_t N() const { return N_; }
  const std::int32_t* keys() const { return keys_.data(); }
  const std::int32_t* positions() const { return positions_.data(); }

 private:
  std::int64_t n_, N_;
  Scratch<std::int32_t> keys_, positions_;
};

/// total[ids[t], c] += row_of(t, c) for c < width; total: [N, width] dense; ids below 0 are left out. The
/// rows of one id are summed first, in the order of t and in parts of run_chunk, and then added to total.
/// Row: a function object callable on the device, (std::int64_t t, std::int64_t c) -> E.
template <class Row, class E>
void add_runs(const char* op, const SortedIds& sorted, std::int64_t width, const Row& row_of, E* total) {
  const std::int64_t n = sorted.n(), N = sorted.N();
  if (n == 0 || width == 0) return;
  const std::int64_t chunks = (n + run_chunk - 1) / run_chunk;
  const Scratch<E> parts(2 * chunks * width);
  const dim3 grid(static_cast<unsigned>((chunks + runs::warps_of_runs - 1) / runs::warps_of_runs),
                  static_cast<unsigned>((width + runs::tile_columns - 1) / runs::tile_columns));
  launch(op, runs::sum_runs<Row, E>, grid, runs::threads_of_runs, 0, n, N, width, sorted.keys(),
         sorted.positions(), row_of, total, parts.data());
  if (chunks > 1) {
    launch(op, runs::join_runs<E>, grid, runs::threads_of_runs, 0, n, N, width, sorted.keys(), parts.data(),
           total);
  }
}

template <class Row, class E>
void add_runs(const char* op, std::int64_t n, std::int64_t N, std::int64_t width, const std::int64_t* ids,
              const Row& row_of, E* total) {
  add_runs(op, SortedIds(op, n, N, ids), width, row_of, total);
}

}  // namespace lrurec::cuda
