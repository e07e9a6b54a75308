#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Which way time runs: forward with lambda, or, as gradients go, from the last token to the first with
/// conj(lambda).
enum class Time { forward, reversed };

/// What a scan reads and writes. Rows offsets[s] .. offsets[s+1]-1 of [tokens, D] belong to sequence s. Null
/// pointers: not there, not wanted. Everything lies on the device but host_offsets.
template <class T>
struct Scan {
  std::int64_t sequences, channels;
  const std::int64_t *host_offsets, *offsets;
  Time time;
  const T *lambda, *x;           ///< [D], [tokens, D]
  T* h;                          ///< [tokens, D]; may be x
  const T* initial = nullptr;    ///< [S, D], the state before the first step
  const T* add_first = nullptr;  ///< [S, D], added to the first step's x
  T* final_state = nullptr;      ///< [S, D], after the last step; of an empty sequence the initial one
  T* carried_out = nullptr;      ///< [S, D], lambda times that; of an empty sequence add_first
  // The gradient of lambda, where h is the gradient of the states: dlambda [D] = sum h_t conj(states_{t-1}).
  const T *states = nullptr, *states_initial = nullptr;
  T* dlambda = nullptr;

  std::int64_t tokens() const { return host_offsets[sequences]; }
};

/// One step after the other. On a GPU a thread takes a channel of a sequence.
template <class T>
void scan_sequential(Cpu, const Scan<T>& scan);
template <class T>
void scan_sequential(Cuda, const Scan<T>& scan);

/// Algorithm 1 of the paper: one pass over memory for each doubling.
template <class T>
void scan_recursive(Cpu, const Scan<T>& scan);
template <class T>
void scan_recursive(Cuda, const Scan<T>& scan);

/// Chunks of time side by side, then what each carries into the next. On a GPU a chunk lies in registers:
/// one read, one write (ops/primitives/recurrence_cuda.h).
template <class T>
void scan_chunked(Cpu, const Scan<T>& scan);
template <class T>
void scan_chunked(Cuda, const Scan<T>& scan);

// Gated: every token has a lambda of its own, lambda and dlambda are [tokens, D], and
//   forward:   h_t = lambda_t h_{t-1} + x_t
//   reversed:  h_t = conj(lambda_{t+1}) h_{t+1} + x_t, from the last token, which no lambda enters
// and dlambda_t = h_t conj(states_{t-1}). `initial` and `final_state` are for forward, `add_first`, `states`,
// `dlambda` and `carried_out` = conj(lambda_1) h_1 for reversed. x and h must not be the same memory.

/// One step after the other.
template <class T>
void gated_scan_sequential(Cpu, const Scan<T>& scan);
template <class T>
void gated_scan_sequential(Cuda, const Scan<T>& scan);

/// Algorithm 1 with the operator (a1, b1), (a2, b2) -> (a2 a1, a2 b1 + b2): products of lambdas, [tokens, D],
/// stand beside the states.
template <class T>
void gated_scan_recursive(Cpu, const Scan<T>& scan);
template <class T>
void gated_scan_recursive(Cuda, const Scan<T>& scan);

/// Each chunk's product of lambdas and its end from zero; from those the states that enter the chunks; then
/// the steps of every chunk. lambda and x are read twice, h is written once.
template <class T>
void gated_scan_chunked(Cpu, const Scan<T>& scan);
template <class T>
void gated_scan_chunked(Cuda, const Scan<T>& scan);

}  // namespace lrurec::ops::kernels
