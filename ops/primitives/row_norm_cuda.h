#pragma once
// Normalising rows, forward and backward, for kernel files: the common part of layer norm, its fused forms
// and RMS norm. They differ in what a row is and in what is kept of it, which small structs of pointers say.
// RMS norm is not `centred`: every mean below is then 0.

#include <cmath>
#include <cstdint>

#include "ops/primitives/chunks.h"
#include "ops/primitives/column_sum_cuda.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/pack.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::cuda {

inline constexpr int norm_warps = 8, norm_threads = norm_warps * warp_size;

/// A row in the registers of `Lanes` neighbouring lanes: lane l has the packs of four elements l + Lanes k.
/// Rows of 64 go two to a warp.
template <int Lanes, int Packs>
struct RowLayout {
  static constexpr int packs = Packs;
  static constexpr int rows_per_warp = warp_size / Lanes;
  static constexpr int rows_per_block = norm_warps * rows_per_warp;

  /// Which row of its block's first rows_per_block a lane works on.
  __device__ static int row_in_block() { return static_cast<int>(threadIdx.x) / Lanes; }
  __device__ static bool first_lane() { return lane() % Lanes == 0; }

  /// f(k, c) for each pack of the lane; c is its first column.
  template <class F>
  __device__ static void for_packs(std::int64_t width, F&& f) {
#pragma unroll
    for (int k = 0; k < Packs; ++k) {
      const int c = 4 * (lane() % Lanes + Lanes * k);
      if (c < width) f(k, c);
    }
  }

  /// The sum over the lanes of a row.
  template <class T>
  __device__ static T sum(T x, Place caller = Place::current()) {
    const CalledFrom here(caller);
#pragma unroll
    for (int step = Lanes / 2; step > 0; step /= 2) x += __shfl_xor_sync(whole_warp, x, step);
    return x;
  }
};

inline constexpr std::int64_t widest_row = 1024;

/// Calls f(layout) with a layout for rows of `width` <= widest_row.
template <class F>
void with_row_layout(std::int64_t width, F&& f) {
  if (width <= 64) {
    f(RowLayout<16, 1>());
  } else if (width <= 128) {
    f(RowLayout<32, 1>());
  } else if (width <= 256) {
    f(RowLayout<32, 2>());
  } else if (width <= 512) {
    f(RowLayout<32, 4>());
  } else {
    f(RowLayout<32, 8>());
  }
}

/// 1 / sqrt(variance + eps). Rounding may have made the variance negative. A NaN stays NaN; fmax would hide
/// it.
template <class T>
__device__ T inverse_deviation(T variance, T eps) {
  return T(1) / std::sqrt((variance < T(0) ? T(0) : variance) + eps);
}

// Rows in registers. All lanes of a warp take part in its sums, also those whose row is beyond the last one.
template <bool centred, class Layout, class T, class Source, class Sink>
__global__ void normalise_kernel(std::int64_t rows, std::int64_t width, T eps, Source source, Sink sink) {
  const T n = static_cast<T>(width);
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * Layout::rows_per_block;
  for (std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * Layout::rows_per_block; first < rows;
       first += step) {
    const std::int64_t row = first + Layout::row_in_block();
    const std::int64_t inside = row < rows ? width : 0;
    Pack<T, 4> x[Layout::packs];
    T sum = 0, squares = 0, rest = 0;
    Layout::for_packs(inside, [&](int k, int c) {
      x[k] = source.template load<4>(row, c);
      for (int j = 0; j < 4; ++j) sum += x[k][j];
    });
    const T rounded = centred ? Layout::sum(sum) / n : T(0);
    Layout::for_packs(inside, [&](int k, int) {
      for (int j = 0; j < 4; ++j) {
        const T d = x[k][j] - rounded;
        squares += d * d;
        rest += d;
      }
    });
    const T shift = centred ? Layout::sum(rest) / n : T(0);  // row_norm_cpu.h says why
    const T mean = rounded + shift, rstd = inverse_deviation(Layout::sum(squares) / n - shift * shift, eps);
    Layout::for_packs(inside, [&](int k, int c) {
      for (int j = 0; j < 4; ++j) x[k][j] = (x[k][j] - mean) * rstd;
      sink.template store<4>(row, c, x[k]);
    });
    if (inside > 0 && Layout::first_lane()) sink.finish(row, mean, rstd);
  }
}

// Rows of any width, a warp each, read three times.
template <bool centred, class T, class Source, class Sink>
__global__ void normalise_any_kernel(std::int64_t rows, std::int64_t width, T eps, Source source, Sink sink) {
  const T n = static_cast<T>(width);
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * norm_warps + warp();
  if (row >= rows) return;
  T sum = 0, squares = 0, rest = 0;
  for (std::int64_t c = lane(); c < width; c += warp_size) sum += source.template load<1>(row, c)[0];
  const T rounded = centred ? warp_sum(sum) / n : T(0);
  for (std::int64_t c = lane(); c < width; c += warp_size) {
    const T d = source.template load<1>(row, c)[0] - rounded;
    squares += d * d;
    rest += d;
  }
  const T shift = centred ? warp_sum(rest) / n : T(0);
  const T mean = rounded + shift, rstd = inverse_deviation(warp_sum(squares) / n - shift * shift, eps);
  for (std::int64_t c = lane(); c < width; c += warp_size) {
    sink.template store<1>(row, c, Pack<T, 1>{(source.template load<1>(row, c)[0] - mean) * rstd});
  }
  if (lane() == 0) sink.finish(row, mean, rstd);
}

/// For each of `rows` rows x of `width` elements: n = (x - mean(x)) rstd, rstd = 1 / sqrt(var(x) + eps).
///   source.load<N>(row, c)      N elements of x from column c
///   sink.store<N>(row, c, n)    takes the same of n
///   sink.finish(row, mean, rstd)
/// `fours`: whether N = 4 is allowed (tensor/cuda/pack.h); N = 1 is always needed.
template <class T, bool centred = true, class Source, class Sink>
void normalise_rows(const char* name, std::int64_t rows, std::int64_t width, double eps, bool fours,
                    const Source& source, const Sink& sink) {
  const T e = static_cast<T>(eps);
  if (!fours || width > widest_row) {
    launch(name, normalise_any_kernel<centred, T, Source, Sink>,
           static_cast<unsigned>((rows + norm_warps - 1) / norm_warps), norm_threads, 0, rows, width, e,
           source, sink);
    return;
  }
  with_row_layout(width, [&]<class Layout>(Layout) {
    launch(name, normalise_kernel<centred, Layout, T, Source, Sink>, blocks_for(rows, Layout::rows_per_block),
           norm_threads, 0, rows, width, e, source, sink);
  });
}

/// Blocks whose sums for dweight and dbias are joined at the end.
inline constexpr std::int64_t norm_sum_blocks = 512;

// Adds the lanes' sums of all rows of a block, in order: out[c]. `all`: rows_per_block x width, shared.
template <class Layout, class T>
__device__ void sum_over_block(std::int64_t width, const Pack<T, 4>* sums, T* all, T* out) {
  __syncthreads();
  Layout::for_packs(width, [&](int k, int c) { store(all + Layout::row_in_block() * width + c, sums[k]); });
  __syncthreads();
  for (std::int64_t c = threadIdx.x; c < width; c += norm_threads) {
    T total = 0;
    for (int r = 0; r < Layout::rows_per_block; ++r) total += all[r * width + c];
    out[c] = total;
  }
}

// Rows in registers; a lane keeps the sums of its columns over all rows it meets. partial: [blocks, 2 width].
template <bool centred, class Layout, class T, class Source, class Sink>
__global__ void norm_backward_kernel(std::int64_t rows, std::int64_t width, const T* weight, Source source,
                                     Sink sink, T* partial) {
  const T n = static_cast<T>(width);
  Pack<T, 4> w[Layout::packs], dweight[Layout::packs], dbias[Layout::packs];
  for (int k = 0; k < Layout::packs; ++k) dweight[k] = dbias[k] = Pack<T, 4>{};
  Layout::for_packs(width, [&](int k, int c) { w[k] = load<4>(weight + c); });
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * Layout::rows_per_block;
  for (std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * Layout::rows_per_block; first < rows;
       first += step) {
    const std::int64_t row = first + Layout::row_in_block();
    const std::int64_t inside = row < rows ? width : 0;
    Pack<T, 4> g[Layout::packs], normal[Layout::packs];
    T sum = 0, sum_normal = 0;
    Layout::for_packs(inside, [&](int k, int c) {
      source.template load<4>(row, c, g[k], normal[k]);
      for (int j = 0; j < 4; ++j) {
        dweight[k][j] += g[k][j] * normal[k][j];
        dbias[k][j] += g[k][j];
        g[k][j] *= w[k][j];
        sum += g[k][j];
        sum_normal += g[k][j] * normal[k][j];
      }
    });
    const T mean = centred ? Layout::sum(sum) / n : T(0), mean_normal = Layout::sum(sum_normal) / n;
    const T rstd = inside > 0 ? source.rstd[row] : T(0);
    Layout::for_packs(inside, [&](int k, int c) {
      for (int j = 0; j < 4; ++j) g[k][j] = rstd * (g[k][j] - mean - normal[k][j] * mean_normal);
      sink.template store<4>(row, c, g[k]);
    });
  }
  T* all = shared_memory<T>();
  T* out = partial + blockIdx.x * 2 * width;
  sum_over_block<Layout>(width, dweight, all, out);
  sum_over_block<Layout>(width, dbias, all, out + width);
}

// Any width, a warp for each row.
template <bool centred, class T, class Source, class Sink>
__global__ void norm_backward_any_kernel(std::int64_t rows, std::int64_t width, const T* weight,
                                         Source source, Sink sink) {
  const T n = static_cast<T>(width);
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * norm_warps + warp();
  if (row >= rows) return;
  Pack<T, 1> g, normal;
  T sum = 0, sum_normal = 0;
  for (std::int64_t c = lane(); c < width; c += warp_size) {
    source.template load<1>(row, c, g, normal);
    sum += g[0] * weight[c];
    sum_normal += g[0] * weight[c] * normal[0];
  }
  const T mean = centred ? warp_sum(sum) / n : T(0), mean_normal = warp_sum(sum_normal) / n;
  const T rstd = source.rstd[row];
  for (std::int64_t c = lane(); c < width; c += warp_size) {
    source.template load<1>(row, c, g, normal);
    sink.template store<1>(row, c, Pack<T, 1>{rstd * (g[0] * weight[c] - mean - normal[0] * mean_normal)});
  }
}

// Any width: a lane takes a column (tile blockIdx.x), and the warps take the rows of chunk blockIdx.y in
// turn.
template <class T, class Source>
__global__ void norm_sums_any_kernel(Chunks chunks, std::int64_t width, Source source, T* partial) {
  __shared__ T sums[2][norm_warps][warp_size];
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * warp_size + lane();
  T dweight = 0, dbias = 0;
  if (c < width) {
    for (std::int64_t r = chunks.begin(blockIdx.y) + warp(); r < chunks.end(blockIdx.y); r += norm_warps) {
      Pack<T, 1> g, normal;
      source.template load<1>(r, c, g, normal);
      dweight += g[0] * normal[0];
      dbias += g[0];
    }
  }
  sums[0][warp()][lane()] = dweight;
  sums[1][warp()][lane()] = dbias;
  __syncthreads();
  if (warp() < 2 && c < width) {
    T total = 0;
    for (int w = 0; w < norm_warps; ++w) total += sums[warp()][w][lane()];
    partial[(blockIdx.y * 2 + warp()) * width + c] = total;
  }
}

/// With g = dy weight: dx = rstd (g - mean(g) - n mean(g n)), dweight = sum dy n, dbias = sum dy.
///   source.load<N>(row, c, dy, n)   N elements of dy and n from column c;  source.rstd[row]
///   sink.store<N>(row, c, dx)
template <bool centred = true, class T, class Source, class Sink>
void normalise_rows_backward(const char* name, std::int64_t rows, std::int64_t width, bool fours,
                             const T* weight, const Source& source, const Sink& sink, T* dweight, T* dbias) {
  if (!fours || width > widest_row) {
    launch(name, norm_backward_any_kernel<centred, T, Source, Sink>,
           static_cast<unsigned>((rows + norm_warps - 1) / norm_warps), norm_threads, 0, rows, width, weight,
           source, sink);
    const Chunks chunks(rows, 64, norm_sum_blocks);
    const Scratch<T> partial(chunks.count * 2 * width);
    const dim3 grid(static_cast<unsigned>((width + warp_size - 1) / warp_size),
                    static_cast<unsigned>(chunks.count));
    launch(name, norm_sums_any_kernel<T, Source>, grid, norm_threads, 0, chunks, width, source,
           partial.data());
    column_sum(chunks.count, width, partial.data(), dweight, dbias);
    return;
  }
  with_row_layout(width, [&]<class Layout>(Layout) {
    const std::int64_t blocks = Chunks(rows, Layout::rows_per_block, norm_sum_blocks).count;
    const Scratch<T> partial(blocks * 2 * width);
    const auto shared = static_cast<std::size_t>(Layout::rows_per_block * width) * sizeof(T);
    launch(name, norm_backward_kernel<centred, Layout, T, Source, Sink>, static_cast<unsigned>(blocks),
           norm_threads, shared, rows, width, weight, source, sink, partial.data());
    column_sum(blocks, width, partial.data(), dweight, dbias);
  });
}

}  // namespace lrurec::cuda
