#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// The direction of time. forward: first token to last, with lambda. reversed, for gradients: last token to
/// first, with conj(lambda).
enum class Time { forward, reversed };

/// What a scan reads and writes. Rows offsets[s] .. offsets[s+1]-1 of [tokens, D] belong to sequence s. A
/// null pointer means that an input is absent or an output not wanted. All lie on the device except
/// host_offsets.
template <class T>
struct Scan {
  std::int64_t sequences, channels;
  const std::int64_t *host_offsets, *offsets;
  Time time;
  const T *lambda, *x;           ///< [D], [tokens, D]
  T* h;                          ///< [tokens, D]; may be x
  const T* initial = nullptr;    ///< [S, D], the state before the first step
  const T* add_first = nullptr;  ///< [S, D], added to the first step's x
  T* final_state = nullptr;      ///< [S, D], after the last step; initial for an empty sequence
  T* carried_out = nullptr;      ///< [S, D], lambda times the last state; add_first for an empty sequence
  // For the gradient of lambda: h is then the gradient of the states, and
  // dlambda [D] = sum h_t conj(states_{t-1}).
  const T *states = nullptr, *states_initial = nullptr;
  T* dlambda = nullptr;

  std::int64_t tokens() const { return host_offsets[sequences]; }
};

/// One step after the other; on a GPU, a thread for each channel of a sequence.
template <class T>
void scan_sequential(Cpu, const Scan<T>& scan);
template <class T>
void scan_sequential(Cuda, const Scan<T>& scan);

/// Algorithm 1 of the paper: each doubling goes through half of all rows.
template <class T>
void scan_recursive(Cpu, const Scan<T>& scan);
template <class T>
void scan_recursive(Cuda, const Scan<T>& scan);

/// Chunks of time side by side, then the states carried from chunk to chunk. On a GPU a chunk stays in
/// registers, so that every row is read once and written once (ops/primitives/recurrence_cuda.h).
template <class T>
void scan_chunked(Cpu, const Scan<T>& scan);
template <class T>
void scan_chunked(Cuda, const Scan<T>& scan);

// Gated scans: every token has a lambda of its own, and lambda and dlambda are [tokens, D].
//   forward:   h_t = lambda_t h_{t-1} + x_t
//   reversed:  h_t = conj(lambda_{t+1}) h_{t+1} + x_t, and h_t = x_t at the last token
//   gradient:  dlambda_t = h_t conj(states_{t-1})
// forward takes `initial` and `final_state`. reversed takes `add_first`, `states`, `states_initial`,
// `dlambda` and `carried_out` = conj(lambda_1) h_1. x and h must not be the same memory.

/// One step after the other.
template <class T>
void gated_scan_sequential(Cpu, const Scan<T>& scan);
template <class T>
void gated_scan_sequential(Cuda, const Scan<T>& scan);

/// Algorithm 1 with the operator (a1, b1), (a2, b2) -> (a2 a1, a2 b1 + b2). It keeps products of lambdas,
/// [tokens, D], beside the states.
template <class T>
void gated_scan_recursive(Cpu, const Scan<T>& scan);
template <class T>
void gated_scan_recursive(Cuda, const Scan<T>& scan);

/// First each chunk's product of lambdas and the state it reaches from zero, from those the state that enters
/// each chunk, then the steps of every chunk. lambda and x are read twice, h is written once.
template <class T>
void gated_scan_chunked(Cpu, const Scan<T>& scan);
template <class T>
void gated_scan_chunked(Cuda, const Scan<T>& scan);

}  // namespace lrurec::ops::kernels
