// A warp takes a row: a query in the forward pass and for dq, a key for dk and dv. It walks the other side in
// chunks of 32, one score for each lane. Then the lanes are channels and add up the rows of the chunk by its
// 32 weights. There are no atomics: every output has one warp, and its sums have one order.

#include <cstdint>
#include <limits>
#include <type_traits>

#include "ops/attention/kernels.h"
#include "ops/primitives/sequence_cuda.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/pack.h"
#include "tensor/cuda/scratch.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels {
namespace {

constexpr int most_channels = 8;  ///< of a lane, so heads have at most 256

/// A warp's row: a token and a head.
struct Row {
  std::int64_t token, head;
  cuda::TokenRange sequence;
};
template <class T>
__device__ bool row_of_warp(const Attention<T>& f, Row& row) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * cuda::lone_warps + cuda::warp();
  if (index >= f.tokens * f.heads) return false;
  row.token = index / f.heads, row.head = index % f.heads;
  row.sequence = cuda::sequence_of(f.offsets, f.sequences, row.token);
  return true;
}

/// a . b, read 16 bytes at a time where the rows allow it, since neighbouring lanes have rows that lie far
/// apart.
template <class T>
__device__ T dot(std::int64_t n, const T* a, const T* b) {
  T sum = 0;
  const std::uintptr_t places = reinterpret_cast<std::uintptr_t>(a) | reinterpret_cast<std::uintptr_t>(b);
  if (n % 4 == 0 && places % 16 == 0) {
    for (std::int64_t c = 0; c < n; c += 4) {
      const auto x = cuda::load<4>(a + c), y = cuda::load<4>(b + c);
#pragma unroll
      for (int k = 0; k < 4; ++k) sum += x[k] * y[k];
    }
    return sum;
  }
  for (std::int64_t c = 0; c < n; ++c) sum += a[c] * b[c];
  return sum;
}

template <class T>
__device__ T mask_factor(const Attention<T>& f, std::int64_t token, std::int64_t head, std::int64_t key) {
  return f.mask.keeps_all() ? T(1) : f.mask.template factor<T>(f.mask_row(token, head) + key);
}

/// Calls f(r, channel) for the lane's channels. Their most, `channels`, is a constant, so that arrays indexed
/// by r stay in registers.
template <int channels, class F>
__device__ void for_channels(std::int64_t width, F&& f) {
#pragma unroll
  for (int r = 0; r < channels; ++r) {
    const int channel = r * cuda::warp_size + cuda::lane();
    if (channel < width) f(r, channel);
  }
}

/// sums[r] += sum over the chunk's lanes of weight * row(lane)[channel]
template <int channels, class T, class F>
__device__ void add_rows(std::int64_t width, int count, T weight, F&& row, T* sums,
                         cuda::Place caller = cuda::Place::current()) {
  const cuda::CalledFrom here(caller);
  for (int l = 0; l < count; ++l) {
    const T w = __shfl_sync(cuda::whole_warp, weight, l);
    const T* from = row(l);
    for_channels<channels>(width, [&](int r, int channel) { sums[r] += w * from[channel]; });
  }
}

template <int channels, class T>
__device__ void store(std::int64_t width, const T* sums, T factor, T* to) {
  for_channels<channels>(width, [&](int r, int channel) { to[channel] = sums[r] * factor; });
}

template <int channels, class T>
__global__ void attention_forward_kernel(Attention<T> f, T scale, T* y, T* tops) {
  Row row;
  if (!row_of_warp(f, row)) return;
  const T* q = f.row(f.qkv, 0, row.token, row.head);
  const std::int64_t end = f.causal ? row.token + 1 : row.sequence.end;
  T top = -std::numeric_limits<T>::infinity(), sum = 0, out[channels] = {};
  for (std::int64_t j = row.sequence.first; j < end; j += cuda::warp_size) {
    const std::int64_t key = j + cuda::lane();
    const bool there = key < end;
    const T product =
        there ? dot(f.width, q, f.row(f.qkv, 1, key, row.head)) : -std::numeric_limits<T>::infinity();
    const T chunk_top = cuda::warp_max(product), largest = chunk_top > top ? chunk_top : top;
    const T shrink = std::exp((top - largest) * scale);
    const T weight = there ? std::exp((product - largest) * scale) : T(0);
    sum = sum * shrink + cuda::warp_sum(weight);
    top = largest;
    for (T& value : out) value *= shrink;
    const T masked = there ? weight * mask_factor(f, row.token, row.head, key - row.sequence.first) : T(0);
    const int count = static_cast<int>(end - j < cuda::warp_size ? end - j : cuda::warp_size);
    add_rows<channels>(
        f.width, count, masked, [&](int l) { return f.row(f.qkv, 2, j + l, row.head); }, out);
  }
  store<channels>(f.width, out, T(1) / sum, y + row.token * f.H() + row.head * f.width);
  T* kept = tops + 2 * (row.token * f.heads + row.head);
  if (cuda::lane() == 0) kept[0] = top, kept[1] = sum;
}

/// What both passes of the backward need for a query and a key: w_tj m_tj and ds_tj / sqrt d.
template <class T>
struct Pair {
  T weight, change;
};
template <class T>
__device__ Pair<T> pair(const Attention<T>& f, T scale, std::int64_t query, std::int64_t key,
                        std::int64_t first, std::int64_t head, const T* tops, const T* along, const T* dy) {
  const T* dy_row = dy + query * f.H() + head * f.width;
  const T product = dot(f.width, f.row(f.qkv, 0, query, head), f.row(f.qkv, 1, key, head));
  const T* kept = tops + 2 * (query * f.heads + head);
  const T weight = std::exp((product - kept[0]) * scale) / kept[1];
  const T factor = mask_factor(f, query, head, key - first);
  const T dw = factor * dot(f.width, dy_row, f.row(f.qkv, 2, key, head));
  return {weight * factor, weight * (dw - along[query * f.heads + head]) * scale};
}

/// along[t, head] = dy_t . y_t
template <class T>
__global__ void along_kernel(Attention<T> f, const T* y, const T* dy, T* along) {
  for (std::int64_t i = cuda::global_thread(); i < f.tokens * f.heads; i += cuda::grid_threads()) {
    const std::int64_t at = i / f.heads * f.H() + i % f.heads * f.width;
    along[i] = dot(f.width, y + at, dy + at);
  }
}

template <int channels, class T>
__global__ void attention_query_kernel(Attention<T> f, T scale, const T* tops, const T* along, const T* dy,
                                       T* dqkv) {
  Row row;
  if (!row_of_warp(f, row)) return;
  const std::int64_t end = f.causal ? row.token + 1 : row.sequence.end;
  T dq[channels] = {};
  for (std::int64_t j = row.sequence.first; j < end; j += cuda::warp_size) {
    const std::int64_t key = j + cuda::lane();
    const T change =
        key < end ? pair(f, scale, row.token, key, row.sequence.first, row.head, tops, along, dy).change
                  : T(0);
    const int count = static_cast<int>(end - j < cuda::warp_size ? end - j : cuda::warp_size);
    add_rows<channels>(
        f.width, count, change, [&](int l) { return f.row(f.qkv, 1, j + l, row.head); }, dq);
  }
  store<channels>(f.width, dq, T(1), f.row(dqkv, 0, row.token, row.head));
}

template <int channels, class T>
__global__ void attention_key_kernel(Attention<T> f, T scale, const T* tops, const T* along, const T* dy,
                                     T* dqkv) {
  Row row;
  if (!row_of_warp(f, row)) return;
  const std::int64_t begin = f.causal ? row.token : row.sequence.first;
  T dk[channels] = {}, dv[channels] = {};
  for (std::int64_t t = begin; t < row.sequence.end; t += cuda::warp_size) {
    const std::int64_t query = t + cuda::lane();
    const Pair<T> both = query < row.sequence.end
                             ? pair(f, scale, query, row.token, row.sequence.first, row.head, tops, along, dy)
                             : Pair<T>{0, 0};
    const int count =
        static_cast<int>(row.sequence.end - t < cuda::warp_size ? row.sequence.end - t : cuda::warp_size);
    add_rows<channels>(
        f.width, count, both.change, [&](int l) { return f.row(f.qkv, 0, t + l, row.head); }, dk);
    add_rows<channels>(
        f.width, count, both.weight, [&](int l) { return dy + (t + l) * f.H() + row.head * f.width; }, dv);
  }
  store<channels>(f.width, dk, T(1), f.row(dqkv, 1, row.token, row.head));
  store<channels>(f.width, dv, T(1), f.row(dqkv, 2, row.token, row.head));
}

template <class T>
void check_width(const Attention<T>& f) {
  if (f.width > most_channels * cuda::warp_size) {
    fail_op("attention", "heads of {} channels are more than the {} of the CUDA kernel; take more heads",
            f.width, most_channels * cuda::warp_size);
  }
}

/// Calls f with the number of channels of a lane as a constant. With few channels a warp takes few registers,
/// and more warps run at once.
template <class F>
void by_width(std::int64_t width, F&& f) {
  if (width <= cuda::warp_size) {
    f(std::integral_constant<int, 1>());
  } else if (width <= 2 * cuda::warp_size) {
    f(std::integral_constant<int, 2>());
  } else {
    f(std::integral_constant<int, most_channels>());
  }
}

template <class T, class K, class... A>
void by_rows(K kernel, const Attention<T>& f, A... arguments) {
  const auto blocks = static_cast<unsigned>((f.tokens * f.heads + cuda::lone_warps - 1) / cuda::lone_warps);
  cuda::launch("attention", kernel, blocks, cuda::lone_warps * cuda::warp_size, 0, f, arguments...);
}

template <class T>
T scale_of(const Attention<T>& f) {
  return T(1) / std::sqrt(static_cast<T>(f.width));
}

}  // namespace

template <class T>
void attention_forward(Cuda, const Attention<T>& f, T* y, T* tops) {
  check_width(f);
  by_width(f.width,
           [&](auto channels) { by_rows(attention_forward_kernel<channels, T>, f, scale_of(f), y, tops); });
}

template <class T>
void attention_backward(Cuda, const Attention<T>& f, const T* y, const T* tops, const T* dy, T* dqkv) {
  check_width(f);
  const cuda::Scratch<T> along(f.tokens * f.heads);
  cuda::launch("attention", along_kernel<T>, cuda::blocks_for(f.tokens * f.heads), 256, 0, f, y, dy,
               along.data());
  const T* kept = along.data();
  by_width(f.width, [&](auto channels) {
    by_rows(attention_query_kernel<channels, T>, f, scale_of(f), tops, kept, dy, dqkv);
    by_rows(attention_key_kernel<channels, T>, f, scale_of(f), tops, kept, dy, dqkv);
  });
}

#define ATTENTION(T)                                                     \
  template void attention_forward<T>(Cuda, const Attention<T>&, T*, T*); \
  template void attention_backward<T>(Cuda, const Attention<T>&, const T*, const T*, const T*, T*);
ATTENTION(float)
ATTENTION(double)

}  // namespace lrurec::ops::kernels
