#pragma once
// For CUDA kernel files only: the k largest of each row of a matrix, in falling order, equal ones by their
// column, NaN first. No two elements are equal in this order, so the result does not depend on how threads
// run.

#include <cstdint>
#include <cstring>
#include <limits>

#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::cuda {

inline constexpr std::int64_t select_most = 2048;  ///< the largest k
inline constexpr int select_threads = 512;

/// Bits that compare as the numbers do: equal for 0 and -0, the highest for NaN.
LRUREC_HOST_DEVICE inline std::uint32_t order_key(float x) {
  if (x != x) return ~std::uint32_t{0};
  if (x == 0) x = 0;
  std::uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}
LRUREC_HOST_DEVICE inline std::uint64_t order_key(double x) {
  if (x != x) return ~std::uint64_t{0};
  if (x == 0) x = 0;
  std::uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return (bits >> 63) != 0 ? ~bits : bits | 0x8000000000000000u;
}

/// An element in the order: larger comes first.
template <class Key>
struct Ranked {
  static constexpr int key_digits = sizeof(Key), digits = key_digits + 4;
  Key key;
  std::uint32_t order;  ///< ~column, so that the first of equal elements is the largest

  LRUREC_HOST_DEVICE bool operator>(const Ranked& other) const {
    return key > other.key || (key == other.key && order > other.order);
  }
  /// Digit 0, 1, ... of 8 bits from the most significant on.
  LRUREC_HOST_DEVICE int digit(int at) const {
    return static_cast<int>(at < key_digits ? (key >> 8 * (key_digits - 1 - at)) & 255
                                            : (order >> 8 * (digits - 1 - at)) & 255);
  }
  LRUREC_HOST_DEVICE void add_digit(int at, int value) {
    if (at < key_digits) {
      key |= static_cast<Key>(value) << 8 * (key_digits - 1 - at);
    } else {
      order |= static_cast<std::uint32_t>(value) << 8 * (digits - 1 - at);
    }
  }
  /// The same with zeros after the first `count` digits.
  LRUREC_HOST_DEVICE Ranked first_digits(int count) const {
    Ranked r{0, 0};
    if (count > 0) {
      r.key = count >= key_digits ? key : key >> 8 * (key_digits - count) << 8 * (key_digits - count);
    }
    if (count > key_digits) r.order = order >> 8 * (digits - count) << 8 * (digits - count);
    return r;
  }
  LRUREC_HOST_DEVICE bool operator==(const Ranked& other) const {
    return key == other.key && order == other.order;
  }
};

/// How a row is cut into segments, one for each block, so that few long rows keep the GPU busy too.
struct Segments {
  std::int64_t columns, size, count;
  Segments(std::int64_t rows, std::int64_t columns_, std::int64_t k) : columns(columns_) {
    const std::int64_t least = std::max<std::int64_t>(8192, 4 * k);
    const bool cut = rows < 512 && columns > 2 * least;
    size = cut ? least : std::max<std::int64_t>(columns, 1);
    count = cut ? (columns + size - 1) / size : 1;
  }
};

namespace select_detail {

/// chosen[0]: the digit of element number `wanted`, counted from 1 in falling order. chosen[1]: how many of
/// the elements with that digit are still wanted. chosen[2]: how many there are. One warp; a lane has 8
/// digits.
__device__ inline void choose_digit(const int* histogram, int wanted, int* chosen) {
  const int top = 255 - 8 * lane();
  int own = 0;
#pragma unroll
  for (int j = 0; j < 8; ++j) own += histogram[top - j];
  int up_to = own;
#pragma unroll
  for (int step = 1; step < warp_size; step *= 2) {
    const int other = __shfl_up_sync(whole_warp, up_to, static_cast<unsigned>(step));
    if (lane() >= step) up_to += other;
  }
  int before = up_to - own;
  if (before >= wanted || up_to < wanted) return;
  for (int j = 0; j < 8; ++j) {
    const int here = histogram[top - j];
    if (before + here >= wanted) {
      chosen[0] = top - j;
      chosen[1] = wanted - before;
      chosen[2] = here;
      return;
    }
    before += here;
  }
}

/// A block takes segment blockIdx.x of row blockIdx.y and finds its k-th element digit by digit, from the
/// most significant: a histogram of the elements that agree with it in all digits so far gives its next
/// digit. The elements at or above it, exactly k, are gathered in any order and sorted in shared memory.
/// Where the segment has fewer than k elements, the rest is minus infinity, and comes last among its equals,
/// since only the last segment can be short.
template <class T>
__global__ void __launch_bounds__(select_threads)
    select_kernel(std::int64_t columns, std::int64_t ld, std::int64_t segment, int k, int capacity,
                  const T* x, std::int64_t* indices, T* values) {
  using Key = decltype(order_key(T()));
  using Element = Ranked<Key>;
  __shared__ int histogram[256];
  __shared__ int chosen[3];
  __shared__ int gathered;
  Element* kept = shared_memory<Element>();

  const std::int64_t first = blockIdx.x * segment;
  const int n = static_cast<int>(columns - first < segment ? columns - first : segment);
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  const T* row = x + blockIdx.y * ld + first;
  const auto element = [row](int i) { return Element{order_key(row[i]), ~static_cast<std::uint32_t>(i)}; };
  const int most = k < n ? k : n;

  // Set before the barriers of the rounds, since one vector load may read `chosen` and its neighbour
  // together.
  if (thread == 0) gathered = 0;
  Element bar{0, 0};
  int wanted = most, known = 0;
  while (most < n && known < Element::digits) {
    for (int i = thread; i < 256; i += threads) histogram[i] = 0;
    __syncthreads();
    for (int i = thread; i < n; i += threads) {
      const Element e = element(i);
      if (e.first_digits(known) == bar) atomicAdd(&histogram[e.digit(known)], 1);
    }
    __syncthreads();
    if (warp() == 0) choose_digit(histogram, wanted, chosen);
    __syncthreads();
    bar.add_digit(known, chosen[0]);
    wanted = chosen[1];
    ++known;
    if (wanted == chosen[2]) break;  // all elements that begin with these digits
    // The next round writes `chosen` after two more barriers.
  }

  for (int i = thread; i < capacity; i += threads) kept[i] = {0, 0};
  __syncthreads();
  for (int i = thread; i < n; i += threads) {
    const Element e = element(i);
    if (!(bar > e.first_digits(known))) kept[atomicAdd(&gathered, 1)] = e;
  }
  __syncthreads();
  for (int size = 2; size <= capacity; size *= 2) {  // bitonic sort, falling
    for (int step = size / 2; step > 0; step /= 2) {
      for (int i = thread; i < capacity; i += threads) {
        const int other = i ^ step;
        if (other < i) continue;
        const Element a = kept[i], b = kept[other];
        if (((i & size) == 0) == (b > a)) {
          kept[i] = b;
          kept[other] = a;
        }
      }
      __syncthreads();
    }
  }
  const std::int64_t out = (blockIdx.y * static_cast<std::int64_t>(gridDim.x) + blockIdx.x) * k;
  for (int j = thread; j < k; j += threads) {
    const auto at = static_cast<std::int64_t>(~kept[j].order);
    indices[out + j] = j < most ? first + at : -1;
    values[out + j] = j < most ? row[at] : -std::numeric_limits<T>::infinity();
  }
}

/// indices[r, j] = of_candidates[r, indices[r, j]]
template <class Index>
__global__ void look_up_kernel(std::int64_t rows, std::int64_t k, std::int64_t candidates,
                               const Index* of_candidates, Index* indices) {
  for (std::int64_t i = global_thread(); i < rows * k; i += grid_threads()) {
    indices[i] = of_candidates[i / k * candidates + indices[i]];
  }
}

template <class T>
void select_segments(const char* name, std::int64_t rows, const Segments& cut, std::int64_t ld,
                     std::int64_t k, const T* x, std::int64_t* indices, T* values) {
  int capacity = 2;
  while (capacity < k) capacity *= 2;
  const std::size_t shared = static_cast<std::size_t>(capacity) * sizeof(Ranked<decltype(order_key(T()))>);
  constexpr std::int64_t most_rows = 65535;  // of a grid's second dimension
  for (std::int64_t row = 0; row < rows; row += most_rows) {
    const std::int64_t count = std::min(most_rows, rows - row), at = row * cut.count * k;
    launch(name, select_kernel<T>, dim3(static_cast<unsigned>(cut.count), static_cast<unsigned>(count)),
           select_threads, shared, cut.columns, ld, cut.size, static_cast<int>(k), capacity, x + row * ld,
           indices + at, values + at);
  }
}

}  // namespace select_detail

/// indices and values [rows, k]: the k largest of each row of x [rows, columns], whose rows lie ld elements
/// apart. 0 < k <= columns, k <= select_most, columns < 2^31. One kernel; where rows are few and long, first
/// one for segments and then one for the best of the segments.
template <class T>
void select_largest(const char* name, std::int64_t rows, std::int64_t columns, std::int64_t ld,
                    std::int64_t k, const T* x, std::int64_t* indices, T* values) {
  if (rows == 0 || k == 0) return;
  const Segments cut(rows, columns, k);
  if (cut.count == 1) {
    select_detail::select_segments(name, rows, cut, ld, k, x, indices, values);
    return;
  }
  const std::int64_t candidates = cut.count * k;
  const Scratch<std::int64_t> found(rows * candidates);
  const Scratch<T> scores(rows * candidates);
  select_detail::select_segments(name, rows, cut, ld, k, x, found.data(), scores.data());
  // Equal candidates are in the order of their columns: by segment, and sorted inside a segment.
  select_largest(name, rows, candidates, candidates, k, static_cast<const T*>(scores.data()), indices,
                 values);
  launch(name, select_detail::look_up_kernel<std::int64_t>, blocks_for(rows * k), 256, 0, rows, k, candidates,
         static_cast<const std::int64_t*>(found.data()), indices);
}

}  // namespace lrurec::cuda
