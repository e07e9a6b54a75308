#pragma once
// The linear recurrence h_t = lambda h_{t-1} + x_t of packed rows, in either direction of time, for kernel
// files.
//
// A block takes one sequence (or a chunk of one) and 32 channels. Its lanes are channels, so that a warp's
// access to a row is one line of memory. Its warps take runs of 16 consecutive rows, which they hold in
// registers.
//
// A warp scans its run from zero. The ends of the runs meet in shared memory, where each warp finds the state
// that enters its run by powers of lambda. Then it computes its states and writes them. So every row is read
// once and written once, and a chain of 16 steps replaces the L waits for memory of one thread for each
// channel.

#include <type_traits>

#include "ops/primitives/time_chunks.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/runtime.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::cuda {

// Products are written out, since those of the library check for infinities.
template <class T>
__device__ T times(const T& a, const T& b) {
  if constexpr (is_complex_element<T>) {
    return T(a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real());
  } else {
    return a * b;
  }
}
/// a b + c
template <class T>
__device__ T times_plus(const T& a, const T& b, const T& c) {
  if constexpr (is_complex_element<T>) {
    return T(a.real() * b.real() - a.imag() * b.imag() + c.real(),
             a.real() * b.imag() + a.imag() * b.real() + c.imag());
  } else {
    return a * b + c;
  }
}

/// Rows [tokens, D] of whole elements.
template <class V>
struct ElementRows {
  V* data;
  std::int64_t D;
  __device__ V read(std::int64_t t, std::int64_t d) const { return data[t * D + d]; }
  __device__ void write(std::int64_t t, std::int64_t d, const V& value) const { data[t * D + d] = value; }
};

/// Rows [tokens, 2, D]: D real parts, then D imaginary parts, as real products compute them. `bias` [D] is
/// added when a row is read; null: none.
template <class T>
struct PlanarRows {
  T* data;
  std::int64_t D;
  const complex<T>* bias = nullptr;
  __device__ complex<T> read(std::int64_t t, std::int64_t d) const {
    const T *at = data + t * 2 * D + d, re = at[0], im = at[D];
    if (bias == nullptr) return {re, im};
    return {re + bias[d].real(), im + bias[d].imag()};
  }
  __device__ void write(std::int64_t t, std::int64_t d, const complex<T>& value) const {
    T* at = data + t * 2 * D + d;
    at[0] = value.real();
    at[D] = value.imag();
  }
};

/// The ends of a scan, all [sequences, D] (for chunks: [chunks, D]). A null pointer means zeros for an input,
/// and that an output is not wanted.
template <class V>
struct ScanEnds {
  const V* initial = nullptr;    ///< state before the first step
  const V* add_first = nullptr;  ///< added to the first step's input (the gradient of a final state)
  V* final_state = nullptr;      ///< after the last step; initial for an empty sequence
  V* carried_out = nullptr;      ///< lambda times the last state (the gradient of an initial state)
};

/// For the gradient of lambda: partial[piece, d] = sum over the rows of a piece of g_t conj(h_{t-1}).
template <class V, class Rows>
struct LambdaGradient {
  V* partial = nullptr;
  Rows states{};               ///< h
  const V* initial = nullptr;  ///< h before the first row [sequences, D]; null: zero
};

/// The pieces that blocks work on: whole sequences, or chunks of sequences.
struct ScanPieces {
  const std::int64_t* offsets = nullptr;
  const TimeChunk* chunks = nullptr;

  __device__ TimeChunk piece(std::int64_t k) const {
    if (chunks != nullptr) return chunks[k];
    return {offsets[k], offsets[k + 1], k, true, true};
  }
};

/// How many blocks the registers of a multiprocessor must hold at once. More, and registers would spill.
template <class V, class In>
constexpr int scan_blocks =
    std::is_same_v<V, complex<double>> || std::is_same_v<In, ElementRows<complex<float>>> ? 1 : 2;

/// In = rows of x, Out = rows of h; the same memory may serve both. `reversed`: from the last row to the
/// first, with conj(lambda). `write` = false only finds the final states.
template <bool reversed, bool write, bool lambda_gradient, class V, class In, class Out>
__global__ void __launch_bounds__(256, scan_blocks<V, In>)
    scan_kernel(ScanPieces pieces, std::int64_t D, const V* lambda, In x, Out h, ScanEnds<V> ends,
                LambdaGradient<V, In> gradient) {
  constexpr int R = rows_per_warp;
  V* totals = shared_memory<V>();  // [warps, 32]
  const std::int64_t piece = blockIdx.x, d = static_cast<std::int64_t>(blockIdx.y) * warp_size + lane();
  const int warps = static_cast<int>(blockDim.x) / warp_size;
  const bool inside = d < D;
  const TimeChunk at = pieces.piece(piece);
  const std::int64_t length = at.end - at.begin, column = inside ? d : 0;
  V factor = lambda[column];
  if (reversed) factor = conjugate(factor);
  V whole_run = factor;  // lambda^16
#pragma unroll
  for (int i = 1; i < R; i *= 2) whole_run = times(whole_run, whole_run);

  // Read for the lane's own channel only: where final_state is the memory of initial, another block may have
  // replaced the others.
  V state = ends.initial != nullptr && inside ? ends.initial[piece * D + column] : V(0);
  V slope = V(0);  // of lambda
  const auto row = [&](std::int64_t t) { return reversed ? at.end - 1 - t : at.begin + t; };

  for (std::int64_t tile = 0; tile < length; tile += static_cast<std::int64_t>(warps) * R) {
    const std::int64_t first = tile + static_cast<std::int64_t>(warp()) * R;
    V run[R];
#pragma unroll
    for (int i = 0; i < R; ++i) {
      run[i] = inside && first + i < length ? x.read(row(first + i), column) : V(0);
    }
    if (ends.add_first != nullptr && first == 0 && inside && (reversed ? at.last : at.first)) {
      run[0] += ends.add_first[at.sequence * D + column];
    }
    V total = run[0];
#pragma unroll
    for (int i = 1; i < R; ++i) total = times_plus(factor, total, run[i]);
    __syncthreads();  // the last tile's totals have been read
    totals[threadIdx.x] = total;
    __syncthreads();
    V carry = state;
    for (int w = 0; w < warps; ++w) {
      if (w == warp()) carry = state;  // what enters this warp's run
      state = times_plus(whole_run, state, totals[w * warp_size + lane()]);
    }
#pragma unroll
    for (int i = 0; i < R; ++i) {
      carry = times_plus(factor, carry, run[i]);
      run[i] = carry;
    }
#pragma unroll
    for (int i = 0; i < R; ++i) {
      if (!inside || first + i >= length) continue;
      const std::int64_t t = row(first + i);
      if constexpr (lambda_gradient) {
        const V* initial = gradient.initial;
        const bool start = t == at.begin && at.first;
        const V before = !start               ? gradient.states.read(t - 1, column)
                         : initial != nullptr ? initial[at.sequence * D + column]
                                              : V(0);
        slope = times_plus(run[i], conjugate(before), slope);
      }
      if constexpr (write) h.write(t, column, run[i]);
      // The last tile may end inside a run: the state after it is that of the last row.
      if (first + i == length - 1) {
        if (ends.final_state != nullptr) ends.final_state[piece * D + column] = run[i];
        if (ends.carried_out != nullptr) ends.carried_out[piece * D + column] = times(factor, run[i]);
      }
    }
  }
  if (length == 0) {  // an empty sequence passes on what it was given
    __syncthreads();  // every warp has read it
    if (inside && warp() == 0) {
      const V given = ends.add_first != nullptr ? ends.add_first[at.sequence * D + column] : V(0);
      if (ends.final_state != nullptr) ends.final_state[piece * D + column] = state;
      if (ends.carried_out != nullptr) ends.carried_out[piece * D + column] = given;
    }
  }
  if constexpr (lambda_gradient) {
    __syncthreads();
    totals[threadIdx.x] = slope;
    __syncthreads();
    if (warp() == 0 && inside) {
      for (int w = 1; w < warps; ++w) slope += totals[w * warp_size + lane()];
      gradient.partial[piece * D + d] = slope;
    }
  }
}

/// entering [chunks, D]: the states that enter the chunks, from the states that leave them when they start
/// from zero. One thread for each channel of a sequence walks its chunks in the direction of time.
template <bool reversed, class V>
__global__ void carry_kernel(const TimeChunk* chunks, std::int64_t count, std::int64_t D, const V* lambda,
                             const V* initial, const V* leaving, V* entering) {
  for (std::int64_t d = global_thread(); d < D; d += grid_threads()) {
    const V factor = reversed ? conjugate(lambda[d]) : lambda[d];
    V state = V(0);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t k = reversed ? count - 1 - i : i;
      const TimeChunk at = chunks[k];
      if (reversed ? at.last : at.first) state = initial != nullptr ? initial[at.sequence * D + d] : V(0);
      entering[k * D + d] = state;
      const V whole =
          power(factor, at.end - at.begin, V(1), [](const V& a, const V& b) { return times(a, b); });
      state = times_plus(whole, state, leaving[k * D + d]);
    }
  }
}

/// Copies the end of each sequence's last chunk, in the direction of time, to the sequence.
template <bool reversed, class V>
__global__ void gather_ends_kernel(const TimeChunk* chunks, std::int64_t count, std::int64_t D, const V* from,
                                   V* to) {
  for (std::int64_t i = global_thread(); i < count * D; i += grid_threads()) {
    const TimeChunk at = chunks[i / D];
    if (reversed ? at.first : at.last) to[at.sequence * D + i % D] = from[i];
  }
}

/// A scan over sequences given by their boundaries, on the host and on the device.
struct ScanSequences {
  std::int64_t count, D;
  const std::int64_t* host_offsets;
  const std::int64_t* offsets;

  std::int64_t tokens() const { return host_offsets[count]; }
};

template <bool reversed, bool write, bool lambda_gradient, class V, class In, class Out>
void launch_scan(const char* name, std::int64_t pieces, int warps, const ScanPieces& where, std::int64_t D,
                 const V* lambda, const In& x, const Out& h, const ScanEnds<V>& ends,
                 const LambdaGradient<V, In>& gradient) {
  const auto threads = static_cast<unsigned>(warps * warp_size);
  launch(name, scan_kernel<reversed, write, lambda_gradient, V, In, Out>,
         dim3(static_cast<unsigned>(pieces), static_cast<unsigned>((D + warp_size - 1) / warp_size)), threads,
         threads * sizeof(V), where, D, lambda, x, h, ends, gradient);
}

/// How many rows LambdaGradient::partial has.
inline std::int64_t scan_pieces(const ScanSequences& sequences, std::int64_t chunk_rows = 2048) {
  if (!cut_time(sequences.tokens(), sequences.count)) return sequences.count;
  return static_cast<std::int64_t>(time_chunks(sequences.host_offsets, sequences.count, chunk_rows).size());
}

/// The whole scan. Few long sequences are cut in time: their chunks are first scanned for their ends alone,
/// from which follow the states that enter the chunks, and then every chunk is scanned like a sequence.
template <bool reversed, bool lambda_gradient, class V, class In, class Out>
void scan(const char* name, const ScanSequences& sequences, const V* lambda, const In& x, const Out& h,
          const ScanEnds<V>& ends, const LambdaGradient<V, In>& gradient, std::int64_t chunk_rows = 2048) {
  const std::int64_t D = sequences.D;
  if (D == 0) return;
  if (!cut_time(sequences.tokens(), sequences.count)) {
    const int warps = scan_warps(sequences.tokens(), sequences.count);
    launch_scan<reversed, true, lambda_gradient>(name, sequences.count, warps, {sequences.offsets, nullptr},
                                                 D, lambda, x, h, ends, gradient);
    return;
  }
  const auto chunks = time_chunks(sequences.host_offsets, sequences.count, chunk_rows);
  const auto count = static_cast<std::int64_t>(chunks.size());
  const Scratch<TimeChunk> on_gpu(count);
  to_device(on_gpu.data(), chunks.data(), chunks.size() * sizeof(TimeChunk));
  const Scratch<V> leaving(count * D), entering(count * D), out(count * D);
  const ScanPieces where{nullptr, on_gpu.data()};
  constexpr int warps = 8;
  ScanEnds<V> alone;
  alone.add_first = ends.add_first;
  alone.final_state = leaving.data();
  launch_scan<reversed, false, false>(name, count, warps, where, D, lambda, x, h, alone,
                                      LambdaGradient<V, In>{});
  launch(name, carry_kernel<reversed, V>, blocks_for(D, 32), 32, 0, on_gpu.data(), count, D, lambda,
         ends.initial, leaving.data(), entering.data());
  ScanEnds<V> whole;
  whole.initial = entering.data();
  whole.add_first = ends.add_first;
  const bool wants_end = ends.final_state != nullptr || ends.carried_out != nullptr;
  if (ends.final_state != nullptr) whole.final_state = out.data();
  if (ends.carried_out != nullptr) whole.carried_out = out.data();
  launch_scan<reversed, true, lambda_gradient>(name, count, warps, where, D, lambda, x, h, whole, gradient);
  if (wants_end) {
    launch(name, gather_ends_kernel<reversed, V>, blocks_for(count * D), 256, 0, on_gpu.data(), count, D,
           out.data(), ends.final_state != nullptr ? ends.final_state : ends.carried_out);
  }
}

}  // namespace lrurec::cuda
