// h_t = lambda_t h_{t-1} + x_t on a GPU. A thread takes a channel of a sequence, or of a chunk of 64 of its
// rows. In chunks, lambda and x are read twice, and a thread waits for memory at each of its 2 x 64 steps,
// but tokens / 64 x D threads wait side by side. There are no powers of lambda here as in recurrence_cuda.h,
// since every row has its own.

#include <vector>

#include "ops/linear_scan/kernels.h"
#include "ops/primitives/recurrence_cuda.h"

namespace lrurec::ops::kernels {
namespace gated_rows {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::TimeChunk, cuda::times,
    cuda::times_plus;

constexpr int threads = 128;
constexpr std::int64_t chunk_rows = 64;

/// The scan as kernels see it: complex numbers of the device's library.
template <class V>
struct Arguments {
  std::int64_t sequences, D;
  const std::int64_t* offsets;
  bool reversed;
  const V *lambda, *x, *initial, *add_first, *states, *states_initial;
  V *h, *final_state, *carried_out, *dlambda;

  template <class T>
  explicit Arguments(const Scan<T>& s)
      : sequences(s.sequences),
        D(s.channels),
        offsets(s.offsets),
        reversed(s.time == Time::reversed),
        lambda(elements(s.lambda)),
        x(elements(s.x)),
        initial(elements(s.initial)),
        add_first(elements(s.add_first)),
        states(elements(s.states)),
        states_initial(elements(s.states_initial)),
        h(elements(s.h)),
        final_state(elements(s.final_state)),
        carried_out(elements(s.carried_out)),
        dlambda(elements(s.dlambda)) {}

  /// Row of step t of rows begin .. end-1.
  __device__ std::int64_t row(std::int64_t begin, std::int64_t end, std::int64_t t) const {
    return reversed ? end - 1 - t : begin + t;
  }
  /// lambda of the step that writes `row`; 0 for the first step backwards, which has none.
  __device__ V gate(std::int64_t row, bool first, std::int64_t d) const {
    if (!reversed) return lambda[row * D + d];
    return first ? V(0) : cuda::conjugate(lambda[(row + 1) * D + d]);
  }
  __device__ V input(std::int64_t row, bool first, std::int64_t s, std::int64_t d) const {
    V value = x[row * D + d];
    if (first && add_first != nullptr) value += add_first[s * D + d];
    return value;
  }
  __device__ V start(std::int64_t s, std::int64_t d) const {
    return initial != nullptr ? initial[s * D + d] : V(0);
  }
  /// Writes dlambda of `row`. first_row: whether it is the first row of sequence s.
  __device__ void gate_gradient(std::int64_t row, bool first_row, std::int64_t s, std::int64_t d) const {
    const V before = !first_row                  ? states[(row - 1) * D + d]
                     : states_initial != nullptr ? states_initial[s * D + d]
                                                 : V(0);
    dlambda[row * D + d] = times(h[row * D + d], cuda::conjugate(before));
  }
  /// Writes final_state (forward) or carried_out (reversed) of sequence s, whose last piece in the direction
  /// of time is rows begin .. end-1.
  __device__ void leave(std::int64_t begin, std::int64_t end, std::int64_t s, std::int64_t d) const {
    const bool empty = begin == end;
    if (final_state != nullptr) final_state[s * D + d] = empty ? start(s, d) : h[(end - 1) * D + d];
    if (carried_out == nullptr) return;
    const V given = add_first != nullptr ? add_first[s * D + d] : V(0);
    carried_out[s * D + d] = empty ? given : times(cuda::conjugate(lambda[begin * D + d]), h[begin * D + d]);
  }
};

/// The pieces that threads work on: whole sequences, or chunks of sequences.
struct Pieces {
  const std::int64_t* offsets;
  const TimeChunk* chunks;
  std::int64_t count;

  __device__ TimeChunk operator()(std::int64_t k) const {
    if (chunks != nullptr) return chunks[k];
    return {offsets[k], offsets[k + 1], k, true, true};
  }
};

/// state, product [pieces, D]: the state that a piece reaches from zero, and the product of its lambdas.
template <class V>
__global__ void summary_kernel(Arguments<V> a, Pieces pieces, V* state, V* product) {
  for (std::int64_t i = global_thread(); i < pieces.count * a.D; i += grid_threads()) {
    const TimeChunk at = pieces(i / a.D);
    const std::int64_t d = i % a.D;
    V h = V(0), gates = V(1);
    for (std::int64_t t = 0; t < at.end - at.begin; ++t) {
      const std::int64_t row = a.row(at.begin, at.end, t);
      const bool first = t == 0 && (a.reversed ? at.last : at.first);
      const V gate = a.gate(row, first, d);
      h = times_plus(gate, h, a.input(row, first, at.sequence, d));
      gates = times(gate, gates);
    }
    state[i] = h;
    product[i] = gates;
  }
}

/// entering [chunks, D]: the state that enters each chunk. The thread at a sequence's first chunk, in the
/// direction of time, walks to its last.
template <class V>
__global__ void enter_kernel(Arguments<V> a, Pieces pieces, const V* state, const V* product, V* entering) {
  for (std::int64_t i = global_thread(); i < pieces.count * a.D; i += grid_threads()) {
    const std::int64_t d = i % a.D;
    std::int64_t k = i / a.D;
    TimeChunk at = pieces(k);
    if (!(a.reversed ? at.last : at.first)) continue;
    V h = a.start(at.sequence, d);
    while (true) {
      entering[k * a.D + d] = h;
      if (a.reversed ? at.first : at.last) break;
      h = times_plus(product[k * a.D + d], h, state[k * a.D + d]);
      k += a.reversed ? -1 : 1;
      at = pieces(k);
    }
  }
}

/// The steps of each piece, from the state that enters it. `entering` null: from the sequence's initial
/// state.
template <class V>
__global__ void walk_kernel(Arguments<V> a, Pieces pieces, const V* entering) {
  for (std::int64_t i = global_thread(); i < pieces.count * a.D; i += grid_threads()) {
    const TimeChunk at = pieces(i / a.D);
    const std::int64_t d = i % a.D, s = at.sequence;
    V h = entering != nullptr ? entering[i] : a.start(s, d);
    for (std::int64_t t = 0; t < at.end - at.begin; ++t) {
      const std::int64_t row = a.row(at.begin, at.end, t);
      const bool first = t == 0 && (a.reversed ? at.last : at.first);
      h = times_plus(a.gate(row, first, d), h, a.input(row, first, s, d));
      a.h[row * a.D + d] = h;
      if (a.dlambda != nullptr) a.gate_gradient(row, row == at.begin && at.first, s, d);
    }
    if (a.reversed ? at.first : at.last) a.leave(at.begin, at.end, s, d);
  }
}

/// Algorithm 1 begins with inputs and lambdas; an initial state joins the first input.
template <class V>
__global__ void recursive_start_kernel(Arguments<V> a, V* products) {
  const std::int64_t s = blockIdx.x, begin = a.offsets[s], end = a.offsets[s + 1];
  for (std::int64_t i = threadIdx.x; i < (end - begin) * a.D; i += blockDim.x) {
    const std::int64_t t = i / a.D, d = i % a.D, row = a.row(begin, end, t);
    const V gate = a.gate(row, t == 0, d), x = a.input(row, t == 0, s, d);
    a.h[row * a.D + d] = t == 0 ? times_plus(gate, a.start(s, d), x) : x;
    products[row * a.D + d] = gate;
  }
}

/// Joins neighbouring runs of `half` steps: (a1, b1), (a2, b2) -> (a2 a1, a2 b1 + b2).
template <class V>
__global__ void recursive_join_kernel(Arguments<V> a, V* products, std::int64_t half) {
  const std::int64_t begin = a.offsets[blockIdx.x], end = a.offsets[blockIdx.x + 1];
  if (half >= end - begin) return;
  for (std::int64_t i = threadIdx.x; i < (end - begin) * a.D; i += blockDim.x) {
    const std::int64_t t = i / a.D, d = i % a.D, run = t / half;
    if (run % 2 == 0) continue;
    const std::int64_t at = a.row(begin, end, t) * a.D + d;
    const std::int64_t last = a.row(begin, end, run * half - 1) * a.D + d;
    a.h[at] = times_plus(products[at], a.h[last], a.h[at]);
    products[at] = times(products[at], products[last]);
  }
}

template <class V>
__global__ void recursive_end_kernel(Arguments<V> a) {
  const std::int64_t s = blockIdx.x, begin = a.offsets[s], end = a.offsets[s + 1];
  for (std::int64_t i = threadIdx.x; i < (end - begin) * a.D && a.dlambda != nullptr; i += blockDim.x) {
    a.gate_gradient(begin + i / a.D, i < a.D, s, i % a.D);
  }
  for (std::int64_t d = threadIdx.x; d < a.D; d += blockDim.x) a.leave(begin, end, s, d);
}

}  // namespace gated_rows

template <class T>
void gated_scan_sequential(Cuda, const Scan<T>& scan) {
  using V = cuda::element<T>;
  const gated_rows::Pieces pieces{scan.offsets, nullptr, scan.sequences};
  cuda::launch("linear_scan", gated_rows::walk_kernel<V>,
               cuda::blocks_for(scan.sequences * scan.channels, gated_rows::threads), gated_rows::threads, 0,
               gated_rows::Arguments<V>(scan), pieces, static_cast<const V*>(nullptr));
}

template <class T>
void gated_scan_recursive(Cuda, const Scan<T>& scan) {
  using V = cuda::element<T>;
  const gated_rows::Arguments<V> a(scan);
  const auto blocks = static_cast<unsigned>(scan.sequences);
  const cuda::Scratch<V> products(scan.tokens() * scan.channels);
  std::int64_t longest = 0;
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    longest = std::max(longest, scan.host_offsets[s + 1] - scan.host_offsets[s]);
  }
  cuda::launch("linear_scan", gated_rows::recursive_start_kernel<V>, blocks, 256, 0, a, products.data());
  for (std::int64_t half = 1; half < longest; half *= 2) {
    cuda::launch("linear_scan", gated_rows::recursive_join_kernel<V>, blocks, 256, 0, a, products.data(),
                 half);
  }
  cuda::launch("linear_scan", gated_rows::recursive_end_kernel<V>, blocks, 256, 0, a);
}

template <class T>
void gated_scan_chunked(Cuda, const Scan<T>& scan) {
  using V = cuda::element<T>;
  const auto chunks = cuda::time_chunks(scan.host_offsets, scan.sequences, gated_rows::chunk_rows);
  const auto count = static_cast<std::int64_t>(chunks.size());
  const std::int64_t size = count * scan.channels;
  if (count == scan.sequences || size == 0) return gated_scan_sequential(Cuda{}, scan);
  const cuda::Scratch<cuda::TimeChunk> on_gpu(count);
  cuda::to_device(on_gpu.data(), chunks.data(), chunks.size() * sizeof(cuda::TimeChunk));
  const gated_rows::Pieces pieces{scan.offsets, on_gpu.data(), count};
  const gated_rows::Arguments<V> a(scan);
  const cuda::Scratch<V> state(size), product(size), entering(size);
  const V *states = state.data(), *products = product.data(), *enters = entering.data();
  const int blocks = cuda::blocks_for(size, gated_rows::threads);
  cuda::launch("linear_scan", gated_rows::summary_kernel<V>, blocks, gated_rows::threads, 0, a, pieces,
               state.data(), product.data());
  cuda::launch("linear_scan", gated_rows::enter_kernel<V>, blocks, gated_rows::threads, 0, a, pieces, states,
               products, entering.data());
  cuda::launch("linear_scan", gated_rows::walk_kernel<V>, blocks, gated_rows::threads, 0, a, pieces, enters);
}

#define GATED_SCAN(T)                                        \
  template void gated_scan_sequential(Cuda, const Scan<T>&); \
  template void gated_scan_recursive(Cuda, const Scan<T>&);  \
  template void gated_scan_chunked(Cuda, const Scan<T>&);
GATED_SCAN(float)
GATED_SCAN(double)
GATED_SCAN(c64)
GATED_SCAN(c128)

}  // namespace lrurec::ops::kernels
