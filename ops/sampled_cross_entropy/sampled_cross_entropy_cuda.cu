#include <cmath>
#include <limits>

#include "ops/primitives/scatter_runs_cuda.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

using cpu::SampledHead, cpu::SampledTokens, cpu::Scatter, cuda::lane, cuda::warp, cuda::warp_size;

constexpr const char* op = "sampled_cross_entropy";
constexpr int threads = 256, warps = threads / warp_size;

// A block a token, a warp a negative: its lanes walk the row of the table together.
template <class T>
__global__ void __launch_bounds__(threads)
    products_kernel(SampledHead<T> head, SampledTokens<T> tokens, std::int64_t n, const std::int64_t* ids,
                    T* scores) {
  const std::int64_t t = blockIdx.x;
  if (tokens.labels[t] < 0) return;
  const T* x = tokens.x + t * head.H;
  for (std::int64_t j = warp(); j < n; j += warps) {
    const T* row = head.weight + ids[t * n + j] * head.H;
    T sum = 0;
    for (std::int64_t c = lane(); c < head.H; c += warp_size) sum += x[c] * row[c];
    sum = cuda::warp_sum(sum);
    if (lane() == 0) scores[t * n + j] = sum;
  }
}

// A block a token. A thread reads and writes the same scores in every pass.
template <class T>
__global__ void __launch_bounds__(threads)
    softmax_kernel(SampledHead<T> head, SampledTokens<T> tokens, SampledIds negatives, T log_count, T scale,
                   T* scores, T* dlabel, T* losses) {
  __shared__ T partial[warp_size];
  const std::int64_t t = blockIdx.x, n = negatives.n, label = tokens.labels[t];
  const std::int64_t* ids = negatives.ids + t * negatives.step;
  T* row = scores + t * n;
  if (label < 0) {  // the same for the whole block
    for (std::int64_t j = threadIdx.x; j < n; j += threads) row[j] = 0;
    if (threadIdx.x == 0) dlabel[t] = losses[t] = 0;
    return;
  }
  T own = 0;
  for (std::int64_t c = threadIdx.x; c < head.H; c += threads) {
    own += tokens.x[t * head.H + c] * head.weight[label * head.H + c];
  }
  own = cuda::block_sum(own, partial) + head.bias[label];

  T top = own;
  for (std::int64_t j = threadIdx.x; j < n; j += threads) {
    const std::int64_t id = ids[j];
    row[j] = id == label ? -std::numeric_limits<T>::infinity() : row[j] + head.bias[id] - log_count;
    top = row[j] > top ? row[j] : top;
  }
  top = cuda::block_max(top, partial);
  T others = 0;
  for (std::int64_t j = threadIdx.x; j < n; j += threads) {
    row[j] = std::exp(row[j] - top);
    others += row[j];
  }
  others = cuda::block_sum(others, partial);
  const T total = std::exp(own - top) + others, factor = scale / total;
  for (std::int64_t j = threadIdx.x; j < n; j += threads) row[j] *= factor;
  if (threadIdx.x != 0) return;
  losses[t] = (top - own) + std::log(total);
  // p - 1 as minus the others' share: no digits are lost where p is near 1.
  dlabel[t] = -others * factor;
}

// A block a token: dx = dlabel weight_label + sum_j dscore_j weight_{ids_j}. A warp takes every eighth
// negative, its lanes the columns of a tile; the warps' sums are added in order.
template <class T>
__global__ void __launch_bounds__(threads)
    rows_kernel(SampledHead<T> head, SampledTokens<T> tokens, std::int64_t n, const std::int64_t* ids,
                const T* dscores, const T* dlabel, bool add, T* dx) {
  constexpr int per_lane = 4, tile = per_lane * warp_size;
  __shared__ T parts[warps][tile];
  const std::int64_t t = blockIdx.x, label = tokens.labels[t], H = head.H;
  for (std::int64_t first = 0; first < H; first += tile) {
    T sum[per_lane] = {};
    const auto add_row = [&](T factor, std::int64_t id) {
      const T* row = head.weight + id * H;
#pragma unroll
      for (int k = 0; k < per_lane; ++k) {
        const std::int64_t c = first + k * warp_size + lane();
        if (c < H) sum[k] += factor * row[c];
      }
    };
    if (label >= 0) {
      if (warp() == 0) add_row(dlabel[t], label);
      for (std::int64_t j = warp(); j < n; j += warps) add_row(dscores[t * n + j], ids[t * n + j]);
    }
#pragma unroll
    for (int k = 0; k < per_lane; ++k) parts[warp()][k * warp_size + lane()] = sum[k];
    __syncthreads();
    for (std::int64_t c = threadIdx.x; c < tile && first + c < H; c += threads) {
      T* to = dx + t * H + first + c;
      T total = add ? *to : T(0);
      for (int w = 0; w < warps; ++w) total += parts[w][c];
      *to = total;
    }
    __syncthreads();
  }
}

// One block; in double and in a fixed order.
template <class T>
__global__ void mean_kernel(std::int64_t n, const T* losses, T scale, T* value) {
  __shared__ double partial[warp_size];
  double sum = 0;
  for (std::int64_t t = threadIdx.x; t < n; t += blockDim.x) sum += static_cast<double>(losses[t]);
  sum = cuda::block_sum(sum, partial);
  if (threadIdx.x == 0) *value = static_cast<T>(sum * static_cast<double>(scale));
}

template <class T>
struct ScaledRow {
  Scatter<T> entries;
  const T* scale;
  __device__ T operator()(std::int64_t e, std::int64_t column) const {
    const T factor = entries.factor == nullptr ? *scale : *scale * entries.factor[e];
    return entries.x == nullptr ? factor : factor * entries.x[e / entries.per_row * entries.width + column];
  }
};

}  // namespace

template <class T>
void sampled_products(Cuda, const SampledHead<T>& head, const SampledTokens<T>& tokens, std::int64_t n,
                      const std::int64_t* ids, T* scores) {
  if (tokens.count == 0 || n == 0) return;
  cuda::launch(op, products_kernel<T>, static_cast<unsigned>(tokens.count), threads, 0, head, tokens, n, ids,
               scores);
}

template <class T>
void sampled_softmax(Cuda, const SampledHead<T>& head, const SampledTokens<T>& tokens,
                     const SampledIds& negatives, T log_count, T scale, T* scores, T* dlabel, T* losses) {
  if (tokens.count == 0) return;
  cuda::launch(op, softmax_kernel<T>, static_cast<unsigned>(tokens.count), threads, 0, head, tokens,
               negatives, log_count, scale, scores, dlabel, losses);
}

template <class T>
void sampled_dx(Cuda, const SampledHead<T>& head, const SampledTokens<T>& tokens, std::int64_t n,
                const std::int64_t* ids, const T* dscores, const T* dlabel, bool add, T* dx) {
  if (tokens.count == 0) return;
  cuda::launch(op, rows_kernel<T>, static_cast<unsigned>(tokens.count), threads, 0, head, tokens, n, ids,
               dscores, dlabel, add, dx);
}

template <class T>
void scaled_sum(Cuda, std::int64_t n, const T* losses, T scale, T* value) {
  cuda::launch(op, mean_kernel<T>, 1, 1024, 0, n, losses, scale, value);
}

template <class T>
void scatter_add_scaled(Cuda, const Scatter<T>& entries, const T* scale, T* rows) {
  cuda::add_runs(op, entries.count, entries.C, entries.width, entries.ids, ScaledRow<T>{entries, scale},
                 rows);
}

#define SAMPLED(T)                                                                                          \
  template void sampled_products<T>(Cuda, const SampledHead<T>&, const SampledTokens<T>&, std::int64_t,     \
                                    const std::int64_t*, T*);                                               \
  template void sampled_softmax<T>(Cuda, const SampledHead<T>&, const SampledTokens<T>&, const SampledIds&, \
                                   T, T, T*, T*, T*);                                                       \
  template void sampled_dx<T>(Cuda, const SampledHead<T>&, const SampledTokens<T>&, std::int64_t,           \
                              const std::int64_t*, const T*, const T*, bool, T*);                           \
  template void scaled_sum<T>(Cuda, std::int64_t, const T*, T, T*);                                         \
  template void scatter_add_scaled<T>(Cuda, const Scatter<T>&, const T*, T*);
SAMPLED(float)
SAMPLED(double)

}  // namespace lrurec::ops::kernels
