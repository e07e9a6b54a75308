#include <cmath>
#include <limits>

#include "ops/primitives/fill_cuda.h"
#include "ops/primitives/scatter_runs_cuda.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::lane, cuda::warp, cuda::warp_size;

constexpr const char* sampled_op = "sampled_cross_entropy";
// scores[t, j] = x_t . weight_{negatives_{t,j}}. A block takes a token, a warp a negative: its lanes walk the
// row of the table together.
template <class T>
__global__ void __launch_bounds__(cuda::block_threads) products_kernel(SampledCrossEntropy<T> f, T* scores) {
  const std::int64_t t = blockIdx.x;
  if (f.labels[t] < 0) return;
  const T* x = f.x + t * f.H;
  for (std::int64_t j = warp(); j < f.n; j += cuda::block_warps) {
    const T* row = f.weight + f.negatives[t * f.n + j] * f.H;
    T sum = 0;
    for (std::int64_t c = lane(); c < f.H; c += warp_size) sum += x[c] * row[c];
    sum = cuda::warp_sum(sum);
    if (lane() == 0) scores[t * f.n + j] = sum;
  }
}

// Products x_t . weight_j of tokens `first` and on become `scale` times the gradients of the scores, zeros
// without a label; dlabel: the same of the labels' scores. A block takes a token; a thread reads and writes
// the same scores in every pass.
template <class T>
__global__ void __launch_bounds__(cuda::block_threads)
    sampled_cross_entropy_softmax_kernel(SampledCrossEntropy<T> f, std::int64_t first, T scale, T* scores,
                                         T* dlabel, T* losses) {
  __shared__ T partial[warp_size];
  const std::int64_t t = first + blockIdx.x, n = f.n, label = f.labels[t];
  const std::int64_t* ids = f.negatives + (f.shared ? 0 : t * n);
  T* row = scores + blockIdx.x * n;
  if (label < 0) {  // the same for the whole block
    for (std::int64_t j = threadIdx.x; j < n; j += cuda::block_threads) row[j] = 0;
    if (threadIdx.x == 0) dlabel[t] = losses[t] = 0;
    return;
  }
  T own = 0;
  for (std::int64_t c = threadIdx.x; c < f.H; c += cuda::block_threads) {
    own += f.x[t * f.H + c] * f.weight[label * f.H + c];
  }
  own = cuda::block_sum(own, partial) + f.bias[label];

  T top = own;
  for (std::int64_t j = threadIdx.x; j < n; j += cuda::block_threads) {
    const std::int64_t id = ids[j];
    row[j] = id == label ? -std::numeric_limits<T>::infinity() : row[j] + f.bias[id] - f.log_count;
    top = row[j] > top ? row[j] : top;
  }
  top = cuda::block_max(top, partial);
  T others = 0;
  for (std::int64_t j = threadIdx.x; j < n; j += cuda::block_threads) {
    row[j] = std::exp(row[j] - top);
    others += row[j];
  }
  others = cuda::block_sum(others, partial);
  const T total = std::exp(own - top) + others, factor = scale / total;
  for (std::int64_t j = threadIdx.x; j < n; j += cuda::block_threads) row[j] *= factor;
  if (threadIdx.x != 0) return;
  losses[t] = (top - own) + std::log(total);
  // p - 1 as minus the others' share: no digits are lost where p is near 1.
  dlabel[t] = -others * factor;
}

// dx = dlabel weight_label + sum_j dscores_j weight_{negatives_j}. Where negatives are shared, a product
// makes the second part, and this kernel adds to dx. A block takes a token, a warp every eighth negative, and
// its lanes the columns of a tile; the warps' sums are added in order.
template <class T>
__global__ void __launch_bounds__(cuda::block_threads)
    dx_kernel(SampledCrossEntropy<T> f, std::int64_t first_token, const T* dscores) {
  constexpr int per_lane = 4, tile = per_lane * warp_size;
  __shared__ T parts[cuda::block_warps][tile];
  const std::int64_t t = first_token + blockIdx.x, label = f.labels[t], H = f.H, n = f.n;
  for (std::int64_t first = 0; first < H; first += tile) {
    T sum[per_lane] = {};
    const auto add_row = [&](T factor, std::int64_t id) {
      const T* row = f.weight + id * H;
#pragma unroll
      for (int k = 0; k < per_lane; ++k) {
        const std::int64_t c = first + k * warp_size + lane();
        if (c < H) sum[k] += factor * row[c];
      }
    };
    if (label >= 0) {
      if (warp() == 0) add_row(f.dlabel[t], label);
      for (std::int64_t j = warp(); j < n && !f.shared; j += cuda::block_warps) {
        add_row(dscores[t * n + j], f.negatives[t * n + j]);
      }
    }
#pragma unroll
    for (int k = 0; k < per_lane; ++k) parts[warp()][k * warp_size + lane()] = sum[k];
    __syncthreads();
    for (std::int64_t c = threadIdx.x; c < tile && first + c < H; c += cuda::block_threads) {
      T* to = f.dx + t * H + first + c;
      T total = f.shared ? *to : T(0);
      for (int w = 0; w < cuda::block_warps; ++w) total += parts[w][c];
      *to = total;
    }
    __syncthreads();
  }
}

// One block; in double and in a fixed order.
template <class T>
__global__ void __launch_bounds__(cuda::most_block_threads)
    sampled_cross_entropy_mean_kernel(std::int64_t n, const T* losses, T scale, T* value) {
  __shared__ double partial[warp_size];
  double sum = 0;
  for (std::int64_t t = threadIdx.x; t < n; t += blockDim.x) sum += static_cast<double>(losses[t]);
  sum = cuda::block_sum(sum, partial);
  if (threadIdx.x == 0) *value = static_cast<T>(sum * static_cast<double>(scale));
}

template <class T>
struct ScaledRow {
  Scatter<T> entries;
  ScatterTable<T> table;
  __device__ T operator()(std::int64_t e, std::int64_t column) const {
    const T factor = entries.factor == nullptr ? *entries.scale : *entries.scale * entries.factor[e];
    return table.x == nullptr ? factor : factor * table.x[e / entries.per_row * table.width + column];
  }
};

template <class T>
void softmax(const SampledCrossEntropy<T>& f, std::int64_t first, std::int64_t count, T* scores, T* dlabel,
             T* losses) {
  cuda::launch(sampled_op, sampled_cross_entropy_softmax_kernel<T>, static_cast<unsigned>(count),
               cuda::block_threads, 0, f, first, f.scale(), scores, dlabel, losses);
}

template <class T>
void add_dx(const SampledCrossEntropy<T>& f, std::int64_t first, std::int64_t count, const T* dscores) {
  cuda::launch(sampled_op, dx_kernel<T>, static_cast<unsigned>(count), cuda::block_threads, 0, f, first,
               dscores);
}

template <class T>
void with_own_negatives(const SampledCrossEntropy<T>& f, T* dlabel, T* losses) {
  const cuda::Scratch<T> unwanted(f.wants_gradients() ? 0 : f.tokens * f.n);
  T* scores = f.wants_gradients() ? f.dnegatives : unwanted.data();
  if (f.n > 0) {
    cuda::launch(sampled_op, products_kernel<T>, static_cast<unsigned>(f.tokens), cuda::block_threads, 0, f,
                 scores);
  }
  softmax(f, 0, f.tokens, scores, dlabel, losses);
  if (f.wants_gradients()) add_dx(f, 0, f.tokens, static_cast<const T*>(scores));
}

// By chunks of tokens whose scores stay in half of the L2 cache, with W the rows of the negatives:
//   S = X W^T,  S -> G (softmax, loss),  dX = G W, and the label's part of it,  dW += G^T X,  db += G^T 1.
template <class T>
void with_shared_negatives(const SampledCrossEntropy<T>& f, T* dlabel, T* losses) {
  const std::int64_t H = f.H, n = f.n;
  const std::int64_t fitting =
      cuda::l2_cache_bytes() / 2 / (std::max<std::int64_t>(n, 1) * static_cast<std::int64_t>(sizeof(T)));
  const std::int64_t asked = f.chunk > 0 ? f.chunk : std::max<std::int64_t>(fitting, 128);
  const std::int64_t chunk = std::min(asked, f.tokens);
  const cuda::Scratch<T> scores(chunk * n), ones(chunk);
  cuda::fill(sampled_op, chunk, T(1), ones.data());
  for (std::int64_t start = 0; start < f.tokens; start += chunk) {
    const std::int64_t count = std::min(chunk, f.tokens - start);
    const T *x = f.x + start * H, *W = f.shared_weight, *G = scores.data(), *one = ones.data();
    cuda::gemm<T>(Read::plain, Read::transpose, count, n, H, x, H, W, H, T(0), scores.data(), n);
    softmax(f, start, count, scores.data(), dlabel, losses);
    if (!f.wants_gradients()) continue;
    const T beta = start == 0 ? T(0) : T(1);
    cuda::gemm<T>(Read::plain, Read::plain, count, H, n, G, n, W, H, T(0), f.dx + start * H, H);
    add_dx(f, start, count, G);
    cuda::gemm<T>(Read::transpose, Read::plain, n, H, count, G, n, x, H, beta, f.dshared_weight, H);
    cuda::gemm<T>(Read::transpose, Read::plain, n, 1, count, G, n, one, 1, beta, f.dshared_bias, 1);
  }
}

}  // namespace

template <class T>
void sampled_cross_entropy(Cuda, const SampledCrossEntropy<T>& f) {
  const cuda::Scratch<T> losses(f.tokens), unwanted(f.wants_gradients() ? 0 : f.tokens);
  T* dlabel = f.wants_gradients() ? f.dlabel : unwanted.data();
  if (f.shared) {
    with_shared_negatives(f, dlabel, losses.data());
  } else {
    with_own_negatives(f, dlabel, losses.data());
  }
  cuda::launch(sampled_op, sampled_cross_entropy_mean_kernel<T>, 1, cuda::most_block_threads, 0, f.tokens,
               losses.data(), f.scale(), f.loss);
}

template <class T>
void scatter_add_scaled(Cuda, const Scatter<T>& entries) {
  const cuda::SortedIds sorted(sampled_op, entries.count, entries.C, entries.ids);
  // Not a loop over a list of both tables, since nvcc 13 passes that on to the host's compiler broken.
  const auto add = [&](const auto& table) {
    if (table.rows == nullptr) return;
    cuda::add_runs(sampled_op, sorted, table.width, ScaledRow<T>{entries, table}, table.rows);
  };
  add(entries.weight);
  add(entries.bias);
}

#define SAMPLED(T)                                                             \
  template void sampled_cross_entropy<T>(Cuda, const SampledCrossEntropy<T>&); \
  template void scatter_add_scaled<T>(Cuda, const Scatter<T>&);
SAMPLED(float)
SAMPLED(double)

}  // namespace lrurec::ops::kernels
