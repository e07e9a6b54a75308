#pragma once
// The two products of the two-pass head, by a warp: 16 rows of a tile A against the 64 columns of a tile B,
// both [64, 64] in shared memory.
//   scores:     S = A B^T, [16, 64]        accumulate:  sum += P B, [16, 64]
// A lane holds two rows of S, P and sum, lane / 4 and lane / 4 + 8, and 16 columns of each, which `column`
// and `feature` name.

#include "ops/linear_cross_entropy/head_tiles.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/mma.h"
#include "tensor/cuda/pack.h"

namespace lrurec::ops::kernels {

inline constexpr int tile = HeadTiles::size;  ///< columns
inline constexpr int tile_pitch = tile + 4;   ///< so that the rows a warp reads at once lie in other banks
inline constexpr int lane_columns = tile / 4;

__device__ inline int lane_row(int r) { return cuda::lane() / 4 + 8 * r; }

/// By fused multiply-adds, of any type.
template <class T>
struct FmaProducts {
  using Real = T;
  static constexpr int rows = 2;
  /// P goes through shared memory, [16, 64] for each warp: a lane needs all columns of its rows.
  static constexpr bool stages = true;

  __device__ static T rounded(T x) { return x; }
  __device__ static int column(int i) { return 4 * i + cuda::lane() % 4; }
  /// Whether a lane has this column.
  __device__ static bool owns(int c) { return c % 4 == cuda::lane() % 4; }
  __device__ static int feature(int i) { return 16 * (i / 4) + 4 * (cuda::lane() % 4) + i % 4; }

  __device__ static void scores(const T* a, const T* b, T (&s)[rows][lane_columns]) {
    const T *upper = a + lane_row(0) * tile_pitch, *lower = a + lane_row(1) * tile_pitch;
#pragma unroll 1
    for (int k = 0; k < tile; k += 4) {
      const auto x = cuda::load<4>(upper + k), y = cuda::load<4>(lower + k);
#pragma unroll
      for (int i = 0; i < lane_columns; ++i) {
        const auto w = cuda::load<4>(b + column(i) * tile_pitch + k);
#pragma unroll
        for (int e = 0; e < 4; ++e) s[0][i] += x[e] * w[e], s[1][i] += y[e] * w[e];
      }
    }
  }

  __device__ static void accumulate(const T (&p)[rows][lane_columns], T* stage, const T* b,
                                    T (&sum)[rows][lane_columns]) {
    T *upper = stage + lane_row(0) * tile_pitch, *lower = stage + lane_row(1) * tile_pitch;
#pragma unroll
    for (int i = 0; i < lane_columns; ++i) upper[column(i)] = p[0][i], lower[column(i)] = p[1][i];
    __syncwarp();
#pragma unroll 1
    for (int c = 0; c < tile; c += 4) {
      const auto x = cuda::load<4>(upper + c), y = cuda::load<4>(lower + c);
#pragma unroll
      for (int e = 0; e < 4; ++e) {
#pragma unroll
        for (int i = 0; i < lane_columns; i += 4) {
          const auto w = cuda::load<4>(b + (c + e) * tile_pitch + feature(i));
#pragma unroll
          for (int f = 0; f < 4; ++f) sum[0][i + f] += x[e] * w[f], sum[1][i + f] += y[e] * w[f];
        }
      }
    }
    __syncwarp();
  }
};

/// By tensor cores: floats with 10 bits of mantissa, sums in f32. They outpace shared memory, so a warp takes
/// two tiles of 16 rows and uses what it reads of B twice.
struct Tf32Products {
  using Real = float;
  static constexpr int rows = 4;
  static constexpr bool stages = false;

  __device__ static float rounded(float x) { return cuda::to_tf32(x); }
  __device__ static int column(int i) { return 8 * (i / 2) + 2 * (cuda::lane() % 4) + i % 2; }
  __device__ static int feature(int i) { return column(i); }
  __device__ static bool owns(int c) { return c % 8 / 2 == cuda::lane() % 4; }

  __device__ static void scores(const float* a, const float* b, float (&s)[rows][lane_columns]) {
    const int g = cuda::lane() / 4, t = cuda::lane() % 4;
#pragma unroll 1
    for (int step = 0; step < tile / 8; ++step) {
      const int k = 8 * step + t;
      float x[rows / 2][4];
#pragma unroll
      for (int m = 0; m < rows / 2; ++m) {
        const float *upper = a + lane_row(2 * m) * tile_pitch + k, *lower = upper + 8 * tile_pitch;
        x[m][0] = upper[0], x[m][1] = lower[0], x[m][2] = upper[4], x[m][3] = lower[4];
      }
#pragma unroll
      for (int i = 0; i < lane_columns; i += 2) {
        const float* row = b + (4 * i + g) * tile_pitch + k;
        add_product(x, {row[0], row[4]}, s, i);
      }
    }
  }

  // The columns of a sum may come in any order, so P stays where `scores` left S, and the rows of B are read
  // in the order that results.
  __device__ static void accumulate(const float (&p)[rows][lane_columns], float*, const float* b,
                                    float (&sum)[rows][lane_columns]) {
    const int g = cuda::lane() / 4;
#pragma unroll
    for (int c = 0; c < lane_columns; c += 2) {
      float x[rows / 2][4];
#pragma unroll
      for (int r = 0; r < rows; ++r) {
        x[r / 2][r % 2] = rounded(p[r][c]), x[r / 2][r % 2 + 2] = rounded(p[r][c + 1]);
      }
#pragma unroll
      for (int i = 0; i < lane_columns; i += 2) {
        const float* from = b + column(c) * tile_pitch + 4 * i + g;
        add_product(x, {from[0], from[tile_pitch]}, sum, i);
      }
    }
  }

 private:
  /// Columns i and i + 1 of every row.
  __device__ static void add_product(const float (&x)[rows / 2][4], const float (&w)[2],
                                     float (&to)[rows][lane_columns], int i) {
#pragma unroll
    for (int m = 0; m < rows / 2; ++m) {
      cuda::mma_tf32(x[m], w, to[2 * m][i], to[2 * m][i + 1], to[2 * m + 1][i], to[2 * m + 1][i + 1]);
    }
  }
};

}  // namespace lrurec::ops::kernels
