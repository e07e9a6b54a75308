#pragma once

#include <cstdint>

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
