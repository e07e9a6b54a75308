#include <limits>

#include "ops/linear_top_k/kernels.h"
#include "ops/primitives/score_chunk.h"
#include "ops/primitives/select_cuda.h"
#include "tensor/cuda/gemm.h"

namespace lrurec::ops::kernels {
namespace {

static_assert(linear_top_k_most_on_gpu <= cuda::select_most);

// One thread a score, consecutive classes for consecutive threads.
template <class T>
__global__ void add_bias_kernel(std::int64_t n, std::int64_t C, std::int64_t ld, const T* bias, T* scores,
                                std::int32_t* broken) {
  for (std::int64_t i = cuda::global_thread(); i < n; i += cuda::grid_threads()) {
    const std::int64_t c = i % C;
    T* score = scores + i / C * ld + c;
    const T v = *score + bias[c];
    *score = v;
    if (v - v != T(0)) atomicOr(broken, 1);
  }
}

// A block a row.
template <class T>
__global__ void exclude_kernel(std::int64_t first_row, std::int64_t ld, const std::int64_t* offsets,
                               const std::int64_t* excluded, T* scores) {
  const std::int64_t row = first_row + blockIdx.x;
  for (std::int64_t i = offsets[row] + threadIdx.x; i < offsets[row + 1]; i += blockDim.x) {
    scores[blockIdx.x * ld + excluded[i]] = -std::numeric_limits<T>::infinity();
  }
}

}  // namespace

template <class T>
std::int64_t linear_top_k(Cuda, const LinearTopK<T>& f, std::int64_t* indices, T* values,
                          std::int32_t* broken) {
  if (f.n == 0) return 0;
  const std::int64_t chunk = cuda::score_chunk_rows(f.n, f.C, sizeof(T), cuda::l2_cache_bytes());
  const std::int64_t ld = cuda::score_row(f.C);
  const cuda::Scratch<T> scores(chunk * ld);
  for (std::int64_t first = 0; first < f.n; first += chunk) {
    const std::int64_t rows = std::min(chunk, f.n - first);
    cuda::gemm<T>(Read::plain, Read::transpose, rows, f.C, f.H, f.x + first * f.H, f.H, f.weight, f.H, T(0),
                  scores.data(), ld);
    cuda::launch("linear_top_k bias", add_bias_kernel<T>, cuda::blocks_for(rows * f.C), 256, 0, rows * f.C,
                 f.C, ld, f.bias, scores.data(), broken);
    cuda::launch("linear_top_k exclude", exclude_kernel<T>, static_cast<unsigned>(rows), 128, 0, first, ld,
                 f.excluded_offsets, f.excluded, scores.data());
    cuda::select_largest("linear_top_k", rows, f.C, ld, f.k, static_cast<const T*>(scores.data()),
                         indices + first * f.k, values + first * f.k);
  }
  return f.n * f.C;
}

#define LINEAR_TOP_K(T) \
  template std::int64_t linear_top_k<T>(Cuda, const LinearTopK<T>&, std::int64_t*, T*, std::int32_t*);
LINEAR_TOP_K(float)
LINEAR_TOP_K(double)

}  // namespace lrurec::ops::kernels
