// Products by cuBLAS; everything between them in one kernel each way.

#include "ops/feed_forward/kernels.h"
#include "ops/primitives/chunks.h"
#include "ops/primitives/column_sum_cuda.h"
#include "ops/primitives/fill_cuda.h"
#include "ops/primitives/formulas.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/pack.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::Chunks, cuda::lane, cuda::Pack, cuda::warp, cuda::warp_size;

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

// A lane has N neighbouring columns (tile blockIdx.x), with their bias in registers. The warps take the rows
// of chunk blockIdx.y in turn. `a` may be `z`.
template <int N, class T>
__global__ void activate(Chunks rows, std::int64_t I, const T* z, const T* bias, DropoutMask mask, T* a) {
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.x) * warp_size + lane()) * N;
  if (c >= I) return;
  const Pack<T, N> b = cuda::load<N>(bias + c);
  for (std::int64_t r = rows.begin(blockIdx.y) + warp(); r < rows.end(blockIdx.y); r += cuda::block_warps) {
    Pack<T, N> x = cuda::load<N>(z + r * I + c);
    const Pack<T, N> factors = mask_factors<N, T>(mask, r * I + c);
    for (int j = 0; j < N; ++j) {
      const T v = x[j] + b[j];
      x[j] = formulas::gelu(v) * factors[j];
    }
    cuda::store(a + r * I + c, x);
  }
}

// The same walk. da becomes dz = da mask gelu'(z). sums: [chunks, I], the sums of dz over the rows of each
// chunk.
template <int N, class T>
__global__ void activate_backward(Chunks rows, std::int64_t I, const T* z, const T* bias, DropoutMask mask,
                                  T* da, T* sums) {
  __shared__ T partial[cuda::block_warps][warp_size * N];
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.x) * warp_size + lane()) * N;
  Pack<T, N> sum{};
  if (c < I) {
    const Pack<T, N> b = cuda::load<N>(bias + c);
    for (std::int64_t r = rows.begin(blockIdx.y) + warp(); r < rows.end(blockIdx.y); r += cuda::block_warps) {
      const Pack<T, N> x = cuda::load<N>(z + r * I + c);
      const Pack<T, N> factors = mask_factors<N, T>(mask, r * I + c);
      Pack<T, N> g = cuda::load<N>(da + r * I + c);
      for (int j = 0; j < N; ++j) {
        g[j] *= factors[j] * formulas::gelu_slope(x[j] + b[j]);
        sum[j] += g[j];
      }
      cuda::store(da + r * I + c, g);
    }
  }
  for (int j = 0; j < N; ++j) partial[warp()][lane() * N + j] = sum[j];
  __syncthreads();
  if (warp() == 0 && c < I) {
    for (int w = 1; w < cuda::block_warps; ++w) {
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

std::int64_t packed_feed_forward_size(Cuda, std::int64_t, std::int64_t, std::int64_t) { return 0; }

template <class T>
void pack_feed_forward(Cuda, const FeedForwardWeights<T>&, T*) {}

std::int64_t kept_feed_forward_size(Cuda, std::int64_t tokens, std::int64_t I, bool for_backward) {
  return (for_backward ? 2 : 1) * tokens * I;
}

template <class T>
void feed_forward(Cuda, const FeedForward<T>& f, bool for_backward, T* y) {
  const std::int64_t H = f.weights.H, I = f.weights.I, O = f.weights.O;
  T *z = f.kept, *a = for_backward ? z + f.tokens * I : z;
  const T* b1 = f.weights.b1;
  cuda::gemm(Read::plain, Read::transpose, f.tokens, I, H, f.x, H, f.weights.W1, H, T(0), z, I);
  const Chunks rows(f.tokens, 4 * cuda::block_warps,
                    65535);  // as many blocks as a grid may have in this direction
  if (cuda::in_fours(I, b1, z, a)) {
    cuda::launch("feed_forward", activate<4, T>, tiles<4>(I, rows), cuda::block_threads, 0, rows, I, z, b1,
                 f.mask, a);
  } else {
    cuda::launch("feed_forward", activate<1, T>, tiles<1>(I, rows), cuda::block_threads, 0, rows, I, z, b1,
                 f.mask, a);
  }
  cuda::repeat_row("feed_forward", f.tokens, O, f.weights.b2, y);
  cuda::gemm(Read::plain, Read::transpose, f.tokens, O, I, static_cast<const T*>(a), I, f.weights.W2, I, T(1),
             y, O);
}

template <class T>
void feed_forward_backward(Cuda, const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& to) {
  const std::int64_t H = f.weights.H, I = f.weights.I, O = f.weights.O;
  const T *z = f.kept, *a = z + f.tokens * I, *b1 = f.weights.b1;
  const Chunks rows(f.tokens, 4 * cuda::block_warps, 512);
  const cuda::Scratch<T> da(f.tokens * I), sums(rows.count * I);
  cuda::gemm(Read::plain, Read::plain, f.tokens, I, O, dy, O, f.weights.W2, I, T(0), da.data(), I);
  if (cuda::in_fours(I, b1, z)) {
    cuda::launch("feed_forward", activate_backward<4, T>, tiles<4>(I, rows), cuda::block_threads, 0, rows, I,
                 z, b1, f.mask, da.data(), sums.data());
  } else {
    cuda::launch("feed_forward", activate_backward<1, T>, tiles<1>(I, rows), cuda::block_threads, 0, rows, I,
                 z, b1, f.mask, da.data(), sums.data());
  }
  const T* dz = da.data();
  cuda::column_sum(rows.count, I, static_cast<const T*>(sums.data()), to.db1);
  cuda::column_sum(f.tokens, O, dy, to.db2);
  cuda::gemm(Read::plain, Read::plain, f.tokens, H, I, dz, I, f.weights.W1, H, T(0), to.dx, H);
  cuda::gemm(Read::transpose, Read::plain, I, H, f.tokens, dz, I, f.x, H, T(0), to.dW1, H);
  cuda::gemm(Read::transpose, Read::plain, O, I, f.tokens, dy, O, a, I, T(0), to.dW2, I);
}

#define FEED_FORWARD(T)                                                         \
  template void pack_feed_forward<T>(Cuda, const FeedForwardWeights<T>&, T*);   \
  template void feed_forward<T>(Cuda, const FeedForward<T>&, bool, T*);         \
  template void feed_forward_backward<T>(Cuda, const FeedForward<T>&, const T*, \
                                         const FeedForwardGradients<T>&);
FEED_FORWARD(float)
FEED_FORWARD(double)

}  // namespace lrurec::ops::kernels
