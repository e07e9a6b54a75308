#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::cpu {

/// Which way time runs: forward, or from the last token to the first (in the backward pass).
enum class Time { forward, reversed };

/// The packed layout all scan kernels share: rows offsets[s] .. offsets[s+1]-1 of [tokens, D] belong to
/// sequence s.
struct ScanShape {
  std::int64_t sequences;
  std::int64_t channels;
  const std::int64_t* offsets;
};

// h[t] = lambda h[t-1] + x[t] in the given direction of time, starting from initial [S, D] (nullptr: zeros).
// x may be h.
template <class T>
void scan_sequential(const ScanShape& shape, Time time, const T* lambda, const T* x, const T* initial, T* h);
template <class T>
void scan_recursive(const ScanShape& shape, Time time, const T* lambda, const T* x, const T* initial, T* h);
template <class T>
void scan_chunked(const ScanShape& shape, Time time, const T* lambda, const T* x, const T* initial, T* h);

/// dlambda[d] = sum over all tokens of g[t, d] conj(h[t-1, d]), h[-1] = initial (nullptr: zeros). Sequences
/// are summed in fixed groups, so the bits do not depend on the number of threads.
template <class T>
void scan_lambda_gradient(const ScanShape& shape, const T* g, const T* h, const T* initial, T* dlambda);

}  // namespace lrurec::ops::cpu

namespace lrurec::ops::kernels {

/// What a scan on the GPU reads and writes; device memory but for host_offsets. Null: not there, not wanted.
template <class T>
struct CudaScan {
  std::int64_t sequences, channels;
  const std::int64_t *host_offsets, *offsets;
  bool reversed;  ///< from the last token to the first, with conj(lambda)
  const T *lambda, *x;
  T* h;                          ///< [tokens, D]; may be x
  const T* initial = nullptr;    ///< [S, D] before the first step
  const T* add_first = nullptr;  ///< [S, D] added to the first step's x
  T* final_state = nullptr;      ///< [S, D] after the last step; of an empty sequence the initial one
  T* carried_out =
      nullptr;  ///< [S, D] lambda (or conj(lambda)) times the last step's state; of an empty one add_first
  // The gradient of lambda, where h is the gradient of states: dlambda [D] = sum h_t conj(states_{t-1}).
  const T *states = nullptr, *states_initial = nullptr;
  T* dlambda = nullptr;
};

/// One thread a channel of a sequence, step after step: the definition.
template <class T>
void scan_sequential(Cuda, const CudaScan<T>& scan);
/// Algorithm 1 of the paper: one pass over memory for each doubling.
template <class T>
void scan_recursive(Cuda, const CudaScan<T>& scan);
/// Runs of time in registers (ops/primitives/recurrence_cuda.h): one read, one write.
template <class T>
void scan_chunked(Cuda, const CudaScan<T>& scan);

}  // namespace lrurec::ops::kernels
