// The prediction head by chunks of tokens: S = X W^T, softmax in place, dX = S W, dW += S^T X, db += S^T 1.
// cuBLAS makes the products; a chunk's scores stay in the L2 cache from one product to the next. The other
// algorithm is in two_pass_cuda.cu.

#include <limits>

#include "ops/linear_cross_entropy/head_chunks.h"
#include "ops/linear_cross_entropy/kernels.h"
#include "ops/linear_cross_entropy/two_pass_cuda.h"
#include "ops/primitives/fill_cuda.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/pack.h"
#include "tensor/cuda/runtime.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::Pack;

/// Calls f(first column, scores of four columns). Scores past the last class are minus infinity.
template <class T, class F>
__device__ void for_fours(std::int64_t classes, const T* row, const T* bias, F&& f) {
  for (std::int64_t c = 4 * static_cast<std::int64_t>(threadIdx.x); c < classes; c += 4 * blockDim.x) {
    Pack<T, 4> s;
    if (c + 4 <= classes) {
      s = cuda::load<4>(row + c);
    } else {  // past the last class the memory is uninitialised
      for (int k = 0; k < 4; ++k) s[k] = c + k < classes ? row[c + k] : T(0);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      s[k] = c + k < classes ? s[k] + bias[c + k] : -std::numeric_limits<T>::infinity();
    }
    f(c, s);
  }
}

// A block a token. Its scores become `scale` (softmax - onehot), or zeros without a label; loss[t] =
// log-sum-exp - score of the label. One pass finds maximum and sum together: a thread rescales its sum when
// its maximum grows.
template <class T>
__global__ void linear_cross_entropy_softmax_kernel(std::int64_t classes, std::int64_t row_size, T* scores,
                                                    const T* bias, const std::int64_t* labels, T scale,
                                                    bool gradients, T* loss) {
  __shared__ T partial[cuda::warp_size];
  const std::int64_t t = blockIdx.x, label = labels[t];
  T* row = scores + t * row_size;
  if (label < 0) {  // the same for the whole block
    if (threadIdx.x == 0) loss[t] = 0;
    for (std::int64_t c = threadIdx.x; gradients && c < classes; c += blockDim.x) row[c] = 0;
    return;
  }
  T top = -std::numeric_limits<T>::infinity(), total = 0;
  for_fours(classes, row, bias, [&](std::int64_t, const Pack<T, 4>& s) {
    T four = top;
#pragma unroll
    for (int k = 0; k < 4; ++k) four = s[k] > four ? s[k] : four;
    if (four > top) {
      total *= std::exp(top - four);
      top = four;
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      // A thread may see only classes with a bias of minus infinity, where s[k] - top would be NaN.
      total += s[k] == -std::numeric_limits<T>::infinity() ? T(0) : std::exp(s[k] - top);
    }
  });
  const T largest = cuda::block_max(top, partial);
  // A thread that saw no class, or nothing but NaN, has the initial maximum.
  const T mine = top == -std::numeric_limits<T>::infinity() ? total : total * std::exp(top - largest);
  const T sum = cuda::block_sum(mine, partial);
  if (threadIdx.x == 0) loss[t] = (largest - (row[label] + bias[label])) + std::log(sum);
  if (!gradients) return;
  __syncthreads();  // the label's score has been read
  const T factor = scale / sum;
  for_fours(classes, row, bias, [&](std::int64_t c, Pack<T, 4> s) {
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      s[k] = std::exp(s[k] - largest) * factor;  // 0 past the last class
      if (c + k == label) s[k] -= scale;
    }
    cuda::store(row + c, s);
  });
}

// The sum of all losses, in double and in a fixed order.
template <class T>
__global__ void __launch_bounds__(cuda::most_block_threads)
    linear_cross_entropy_sum_kernel(std::int64_t tokens, const T* loss, T scale, T* value) {
  __shared__ double partial[cuda::warp_size];
  double total = 0;
  for (std::int64_t t = threadIdx.x; t < tokens; t += blockDim.x) total += static_cast<double>(loss[t]);
  total = cuda::block_sum(total, partial);
  if (threadIdx.x == 0) *value = static_cast<T>(total * static_cast<double>(scale));
}

/// loss: [tokens], before it is averaged.
template <class T>
void chunked_head(const LinearCrossEntropy<T>& f, T* loss) {
  const std::int64_t H = f.H, C = f.classes;
  const HeadChunks chunks(f.tokens, C, sizeof(T), f.chunk, cuda::l2_cache_bytes());
  const cuda::Scratch<T> scores(chunks.size * chunks.row), ones(chunks.size);
  cuda::fill("linear_cross_entropy", chunks.size, T(1), ones.data());
  for (std::int64_t k = 0; k < chunks.count(); ++k) {
    const std::int64_t begin = chunks.begin(k), n = chunks.length(k);
    const T* rows = f.x + begin * H;
    cuda::gemm<T>(Read::plain, Read::transpose, n, C, H, rows, H, f.weight, H, T(0), scores.data(),
                  chunks.row);
    cuda::launch("linear_cross_entropy", linear_cross_entropy_softmax_kernel<T>, static_cast<unsigned>(n),
                 cuda::block_threads, 0, C, chunks.row, scores.data(), f.bias, f.labels + begin, f.scale(),
                 f.wants_gradients(), loss + begin);
    if (!f.wants_gradients()) continue;
    const T beta = k == 0 ? T(0) : T(1);
    cuda::gemm<T>(Read::plain, Read::plain, n, H, C, scores.data(), chunks.row, f.weight, H, T(0),
                  f.dx + begin * H, H);
    cuda::gemm<T>(Read::transpose, Read::plain, C, H, n, scores.data(), chunks.row, rows, H, beta, f.dweight,
                  H);
    cuda::gemm<T>(Read::transpose, Read::plain, C, 1, n, scores.data(), chunks.row, ones.data(), 1, beta,
                  f.dbias, 1);
  }
}

}  // namespace

template <class T>
void linear_cross_entropy(Cuda, const LinearCrossEntropy<T>& f) {
  const cuda::Scratch<T> loss(f.tokens);
  if (f.algorithm == HeadAlgorithm::two_pass) {
    two_pass_head(f, loss.data());
  } else {
    chunked_head(f, loss.data());
  }
  cuda::launch("linear_cross_entropy", linear_cross_entropy_sum_kernel<T>, 1, cuda::most_block_threads, 0,
               f.tokens, loss.data(), f.scale(), f.loss);
}

template void linear_cross_entropy(Cuda, const LinearCrossEntropy<float>&);
template void linear_cross_entropy(Cuda, const LinearCrossEntropy<double>&);

}  // namespace lrurec::ops::kernels
