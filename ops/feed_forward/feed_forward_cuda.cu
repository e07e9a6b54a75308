// Products by cuBLAS; everything between them in one kernel each way.

#include <cmath>

#include "ops/feed_forward/kernels.h"
#include "ops/primitives/chunks.h"
#include "ops/primitives/column_sum_cuda.h"
#include "ops/primitives/dropout_mask.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/pack.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::Chunks, cuda::lane, cuda::Pack, cuda::warp, cuda::warp_size;

constexpr int warps = 8, threads = warps * warp_size;

/// Phi(z), the standard normal distribution function.
template <class T>
__device__ T normal_cdf(T z) {
  return T(0.5) * (T(1) + std::erf(z * T(0.70710678118654752440)));
}

/// gelu'(z) = Phi(z) + z phi(z)
template <class T>
__device__ T gelu_slope(T z) {
  constexpr T density = T(0.39894228040143267794);  // 1 / sqrt(2 pi)
  return normal_cdf(z) + z * density * std::exp(z * z * T(-0.5));
}

/// The factors of elements first .. first + N - 1; first is a multiple of N.
template <int N, class T>
__device__ Pack<T, N> mask_factors(const DropoutMask& mask, std::int64_t first) {
  Pack<T, N> result;
  if (mask.keeps_all()) {
    for (int j = 0; j < N; ++j) result[j] = T(1);
  } else if constexpr (N == 4) {
    const auto factors = mask.factors<T>(static_cast<std::uint64_t>(first / 4));
    for (int j = 0; j < 4; ++j) result[j] = factors[static_cast<std::size_t>(j)];
  } else {
    result[0] = mask.factor<T>(first);
  }
  return result;
}

// A lane has N neighbouring columns (tile blockIdx.x), with their bias in registers; the warps take the rows
// of chunk blockIdx.y in turn. `a` may be `z`.
template <int N, class T>
__global__ void activate(Chunks rows, std::int64_t I, const T* z, const T* bias, DropoutMask mask, T* a) {
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.x) * warp_size + lane()) * N;
  if (c >= I) return;
  const Pack<T, N> b = cuda::load<N>(bias + c);
  for (std::int64_t r = rows.begin(blockIdx.y) + warp(); r < rows.end(blockIdx.y); r += warps) {
    Pack<T, N> x = cuda::load<N>(z + r * I + c);
    const Pack<T, N> factors = mask_factors<N, T>(mask, r * I + c);
    for (int j = 0; j < N; ++j) {
      const T v = x[j] + b[j];
      x[j] = v * normal_cdf(v) * factors[j];
    }
    cuda::store(a + r * I + c, x);
  }
}

// The same walk. da becomes dz = da mask gelu'(z); sums: [chunks, I], of dz over the rows of each chunk.
template <int N, class T>
__global__ void activate_backward(Chunks rows, std::int64_t I, const T* z, const T* bias, DropoutMask mask,
                                  T* da, T* sums) {
  __shared__ T partial[warps][warp_size * N];
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.x) * warp_size + lane()) * N;
  Pack<T, N> sum{};
  if (c < I) {
    const Pack<T, N> b = cuda::load<N>(bias + c);
    for (std::int64_t r = rows.begin(blockIdx.y) + warp(); r < rows.end(blockIdx.y); r += warps) {
      const Pack<T, N> x = cuda::load<N>(z + r * I + c);
      const Pack<T, N> factors = mask_factors<N, T>(mask, r * I + c);
      Pack<T, N> g = cuda::load<N>(da + r * I + c);
      for (int j = 0; j < N; ++j) {
        g[j] *= factors[j] * gelu_slope(x[j] + b[j]);
        sum[j] += g[j];
      }
      cuda::store(da + r * I + c, g);
    }
  }
  for (int j = 0; j < N; ++j) partial[warp()][lane() * N + j] = sum[j];
  __syncthreads();
  if (warp() == 0 && c < I) {
    for (int w = 1; w < warps; ++w) {
      for (int j = 0; j < N; ++j) sum[j] += partial[w][lane() * N + j];
    }
    cuda::store(sums + blockIdx.y * I + c, sum);
  }
}

template <int N>
dim3 tiles(std::int64_t I, const Chunks& rows) {
  constexpr std::int64_t tile = N * warp_size;
  return dim3(static_cast<unsigned>((I + tile - 1) / tile), static_cast<unsigned>(rows.count));
}

}  // namespace

template <class T>
void feed_forward(Cuda, const cpu::FeedForward<T>& f, T* z, T* a, T* y) {
  const DropoutMask mask(f.random, f.p);
  cuda::gemm(Read::plain, Read::transpose, f.tokens, f.I, f.H, f.x, f.H, f.W1, f.H, T(0), z, f.I);
  const Chunks rows(f.tokens, 4 * warps, 65535);  // as many blocks as a grid may have in this direction
  if (cuda::in_fours(f.I, f.b1, z, a)) {
    cuda::launch("feed_forward", activate<4, T>, tiles<4>(f.I, rows), threads, 0, rows, f.I, z, f.b1, mask,
                 a);
  } else {
    cuda::launch("feed_forward", activate<1, T>, tiles<1>(f.I, rows), threads, 0, rows, f.I, z, f.b1, mask,
                 a);
  }
  cuda::gemm(Read::plain, Read::transpose, f.tokens, f.O, f.I, static_cast<const T*>(a), f.I, f.W2, f.I, T(1),
             y, f.O);
}

template <class T>
void feed_forward_backward(Cuda, const cpu::FeedForward<T>& f, const T* z, const T* a, const T* dy,
                           const cpu::FeedForwardGradients<T>& gradients) {
  const DropoutMask mask(f.random, f.p);
  const Chunks rows(f.tokens, 4 * warps, 512);
  const cuda::Scratch<T> da(f.tokens * f.I), sums(rows.count * f.I);
  cuda::gemm(Read::plain, Read::plain, f.tokens, f.I, f.O, dy, f.O, f.W2, f.I, T(0), da.data(), f.I);
  if (cuda::in_fours(f.I, f.b1, z)) {
    cuda::launch("feed_forward", activate_backward<4, T>, tiles<4>(f.I, rows), threads, 0, rows, f.I, z, f.b1,
                 mask, da.data(), sums.data());
  } else {
    cuda::launch("feed_forward", activate_backward<1, T>, tiles<1>(f.I, rows), threads, 0, rows, f.I, z, f.b1,
                 mask, da.data(), sums.data());
  }
  const T* dz = da.data();
  cuda::column_sum(rows.count, f.I, static_cast<const T*>(sums.data()), gradients.db1);
  cuda::column_sum(f.tokens, f.O, dy, gradients.db2);
  cuda::gemm(Read::plain, Read::plain, f.tokens, f.H, f.I, dz, f.I, f.W1, f.H, T(0), gradients.dx, f.H);
  cuda::gemm(Read::transpose, Read::plain, f.I, f.H, f.tokens, dz, f.I, f.x, f.H, T(0), gradients.dW1, f.H);
  cuda::gemm(Read::transpose, Read::plain, f.O, f.I, f.tokens, dy, f.O, a, f.I, T(0), gradients.dW2, f.I);
}

#define FEED_FORWARD(T)                                                                                  \
  template void feed_forward<T>(Cuda, const cpu::FeedForward<T>&, T*, T*, T*);                           \
  template void feed_forward_backward<T>(Cuda, const cpu::FeedForward<T>&, const T*, const T*, const T*, \
                                         const cpu::FeedForwardGradients<T>&);
FEED_FORWARD(float)
FEED_FORWARD(double)

}  // namespace lrurec::ops::kernels
