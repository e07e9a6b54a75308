#include <cmath>

#include "ops/linear_rank/kernels.h"
#include "ops/primitives/score_chunk.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr int rank_threads = 512;

// A block takes a row of scores S = X W^T, and its threads share the classes. The target's score is read from
// S like the others, so that equal scores stay equal whatever way the product was computed. The losses take a
// second pass, from the L2 cache, with the largest score known.
template <class T, bool with_losses>
__global__ void __launch_bounds__(rank_threads)
    rank_kernel(LinearRank<T> f, const T* scores, std::int64_t ld, std::int64_t first_row,
                std::int64_t* ranks, T* losses) {
  __shared__ int counts[cuda::warp_size];
  __shared__ T partial[cuda::warp_size];
  const std::int64_t row = first_row + blockIdx.x;
  const T* s = scores + blockIdx.x * ld;
  const std::int64_t target = f.targets[row];
  const T bar = s[target] + f.bias[target];
  int above = 0, broken = 0;
  T top = bar;
  for (std::int64_t c = threadIdx.x; c < f.C; c += rank_threads) {
    const T v = s[c] + f.bias[c];
    above += v >= bar ? 1 : 0;
    broken += v - v == T(0) ? 0 : 1;
    if constexpr (with_losses) top = v > top ? v : top;
  }
  for (std::int64_t i = f.excluded_offsets[row] + threadIdx.x; i < f.excluded_offsets[row + 1];
       i += rank_threads) {
    const std::int64_t c = f.excluded[i];
    above -= s[c] + f.bias[c] >= bar ? 1 : 0;
  }
  above = cuda::block_sum(above, counts);
  broken = cuda::block_sum(broken, counts);
  if (threadIdx.x == 0) ranks[row] = broken == 0 ? above : -1;  // the target is among those at its own score
  if constexpr (with_losses) {
    top = cuda::block_max(top, partial);
    T sum = 0;
    for (std::int64_t c = threadIdx.x; c < f.C; c += rank_threads) sum += std::exp(s[c] + f.bias[c] - top);
    sum = cuda::block_sum(sum, partial);
    if (threadIdx.x == 0) losses[row] = (top - bar) + std::log(sum);
  }
}

}  // namespace

template <class T>
void linear_ranks(Cuda, const LinearRank<T>& f, std::int64_t* ranks, T* losses) {
  if (f.n == 0) return;
  const std::int64_t chunk = cuda::score_chunk_rows(f.n, f.C, sizeof(T), cuda::l2_cache_bytes());
  const std::int64_t ld = cuda::score_row(f.C);
  const cuda::Scratch<T> scores(chunk * ld);
  for (std::int64_t first = 0; first < f.n; first += chunk) {
    const std::int64_t rows = std::min(chunk, f.n - first);
    cuda::gemm<T>(Read::plain, Read::transpose, rows, f.C, f.H, f.x + first * f.H, f.H, f.weight, f.H, T(0),
                  scores.data(), ld);
    cuda::launch("linear_ranks", losses == nullptr ? rank_kernel<T, false> : rank_kernel<T, true>,
                 static_cast<unsigned>(rows), rank_threads, 0, f, scores.data(), ld, first, ranks, losses);
  }
}

#define LINEAR_RANKS(T) template void linear_ranks<T>(Cuda, const LinearRank<T>&, std::int64_t*, T*);
LINEAR_RANKS(float)
LINEAR_RANKS(double)

}  // namespace lrurec::ops::kernels
