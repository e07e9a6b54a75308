// A warp takes a token: as query t for c, dq and its part of dv, as key j for dk and dh. Its lanes are
// channels, and it walks the other side of the pairs. There are no atomics, since every output has one warp.

#include <limits>

#include "ops/additive_attention/kernels.h"
#include "ops/primitives/sequence_cuda.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

__device__ inline std::int64_t token_of_warp() {
  return static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
}

template <class T>
__device__ T gate(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

/// v . sigmoid(q_t + k_j), the same in all lanes.
template <class T>
__device__ T score(const AdditiveAttention<T>& f, std::int64_t t, std::int64_t j,
                   cuda::Place caller = cuda::Place::current()) {
  const cuda::CalledFrom here(caller);
  T sum = 0;
  for (std::int64_t a = cuda::lane(); a < f.A; a += cuda::warp_size) {
    sum += f.v[a] * gate(f.q[t * f.A + a] + f.k[j * f.A + a]);
  }
  return cuda::warp_sum(sum);
}

template <class T>
__device__ T warp_dot(std::int64_t n, const T* a, const T* b, cuda::Place caller = cuda::Place::current()) {
  const cuda::CalledFrom here(caller);
  T sum = 0;
  for (std::int64_t i = cuda::lane(); i < n; i += cuda::warp_size) sum += a[i] * b[i];
  return cuda::warp_sum(sum);
}

template <class T>
__global__ void additive_attention_forward_kernel(AdditiveAttention<T> f, T* c, T* lse) {
  const std::int64_t t = token_of_warp();
  if (t >= f.tokens) return;
  const cuda::TokenRange sequence = cuda::sequence_of(f.offsets, f.sequences, t);
  T* out = c + t * f.D;
  for (std::int64_t i = cuda::lane(); i < f.D; i += cuda::warp_size) out[i] = 0;
  T top = -std::numeric_limits<T>::infinity(), sum = 0;
  for (std::int64_t j = sequence.first; j <= t; ++j) {
    const T e = score(f, t, j), largest = e > top ? e : top;
    const T shrink = std::exp(top - largest), w = std::exp(e - largest);
    top = largest;
    sum = sum * shrink + w;
    for (std::int64_t i = cuda::lane(); i < f.D; i += cuda::warp_size) {
      out[i] = out[i] * shrink + w * f.h[j * f.D + i];
    }
  }
  for (std::int64_t i = cuda::lane(); i < f.D; i += cuda::warp_size) out[i] /= sum;
  if (cuda::lane() == 0) lse[t] = top + std::log(sum);
}

template <class T>
__global__ void additive_attention_query_kernel(AdditiveAttention<T> f, AdditiveAttentionGradients<T> out) {
  const std::int64_t t = token_of_warp();
  if (t >= f.tokens) return;
  const cuda::TokenRange sequence = cuda::sequence_of(f.offsets, f.sequences, t);
  for (std::int64_t a = cuda::lane(); a < f.A; a += cuda::warp_size) {
    out.dq[t * f.A + a] = out.dv_rows[t * f.A + a] = 0;
  }
  const T along = warp_dot(f.D, out.dc + t * f.D, out.c + t * f.D);
  for (std::int64_t j = sequence.first; j <= t; ++j) {
    const T w = std::exp(score(f, t, j) - out.lse[t]);
    const T de = w * (warp_dot(f.D, out.dc + t * f.D, f.h + j * f.D) - along);
    for (std::int64_t a = cuda::lane(); a < f.A; a += cuda::warp_size) {
      const T s = gate(f.q[t * f.A + a] + f.k[j * f.A + a]);
      out.dq[t * f.A + a] += de * f.v[a] * s * (1 - s);
      out.dv_rows[t * f.A + a] += de * s;
    }
  }
}

template <class T>
__global__ void additive_attention_key_kernel(AdditiveAttention<T> f, AdditiveAttentionGradients<T> out) {
  const std::int64_t j = token_of_warp();
  if (j >= f.tokens) return;
  const cuda::TokenRange sequence = cuda::sequence_of(f.offsets, f.sequences, j);
  for (std::int64_t a = cuda::lane(); a < f.A; a += cuda::warp_size) out.dk[j * f.A + a] = 0;
  for (std::int64_t i = cuda::lane(); i < f.D; i += cuda::warp_size) out.dh[j * f.D + i] = 0;
  for (std::int64_t t = j; t < sequence.end; ++t) {
    const T w = std::exp(score(f, t, j) - out.lse[t]),
            along = warp_dot(f.D, out.dc + t * f.D, out.c + t * f.D);
    const T de = w * (warp_dot(f.D, out.dc + t * f.D, f.h + j * f.D) - along);
    for (std::int64_t a = cuda::lane(); a < f.A; a += cuda::warp_size) {
      const T s = gate(f.q[t * f.A + a] + f.k[j * f.A + a]);
      out.dk[j * f.A + a] += de * f.v[a] * s * (1 - s);
    }
    for (std::int64_t i = cuda::lane(); i < f.D; i += cuda::warp_size) {
      out.dh[j * f.D + i] += w * out.dc[t * f.D + i];
    }
  }
}

template <class T, class K, class... A>
void by_tokens(K kernel, const AdditiveAttention<T>& f, A... arguments) {
  const auto blocks = static_cast<unsigned>((f.tokens + cuda::lone_warps - 1) / cuda::lone_warps);
  cuda::launch("additive_attention", kernel, blocks, cuda::lone_warps * cuda::warp_size, 0, f, arguments...);
}

}  // namespace

template <class T>
void additive_attention_forward(Cuda, const AdditiveAttention<T>& f, T* c, T* lse) {
  by_tokens(additive_attention_forward_kernel<T>, f, c, lse);
}

template <class T>
void additive_attention_backward(Cuda, const AdditiveAttention<T>& f,
                                 const AdditiveAttentionGradients<T>& out) {
  by_tokens(additive_attention_query_kernel<T>, f, out);
  by_tokens(additive_attention_key_kernel<T>, f, out);
}

#define ADDITIVE_ATTENTION(T)                                                             \
  template void additive_attention_forward<T>(Cuda, const AdditiveAttention<T>&, T*, T*); \
  template void additive_attention_backward<T>(Cuda, const AdditiveAttention<T>&,         \
                                               const AdditiveAttentionGradients<T>&);
ADDITIVE_ATTENTION(float)
ADDITIVE_ATTENTION(double)

}  // namespace lrurec::ops::kernels
