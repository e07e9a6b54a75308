#pragma once
// The linear recurrence of the paper (equations 3-6, Algorithm 1).

#include <string_view>

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// How the recurrence is computed. All three give the same numbers up to rounding.
enum class ScanAlgorithm {
  sequential,  ///< one step after the other: D work a step, no parallelism in time
  recursive,   ///< Algorithm 1 of the paper: log2(L) passes over memory, (L / 2) log2(L) work
  chunked,     ///< chunks of time side by side, then their carries: twice the work, parallel in time
  automatic,   ///< chunked when there are too few sequences for the threads, else sequential
};
std::string_view name(ScanAlgorithm algorithm);

struct ScanResult {
  Variable states;  ///< h_t for every token: [tokens, D]
  Variable
      final_state;  ///< h after the last token of each sequence: [S, D]; the initial state of an empty one
};

/// h_t = lambda * h_{t-1} + x_t within each sequence, elementwise in D, with h_0 = initial (0 when
/// undefined).
///
/// lambda: [D], or [tokens, D] where every token has its own, lambda_t (gates: RG-LRU, Mamba, minGRU; 0 is a
/// reset); x: [tokens, D]; offsets: i64 [S + 1], 0 = offsets[0] <= ... <= offsets[S] = tokens: sequence
/// s is rows offsets[s] .. offsets[s+1]-1, and no state passes a boundary; initial: [S, D] or undefined. f32
/// f64 c64 c128, one dtype. One step with a carried state (S sequences of one token) is the same operation.
///
/// Backward is the scan reversed with conj(lambda): g_t = dh_t + conj(lambda) g_{t+1}; dx_t = g_t,
/// dlambda = sum_t g_t conj(h_{t-1}), dinitial = conj(lambda) g_1. With lambda_t:
/// g_t = dh_t + conj(lambda_{t+1}) g_{t+1}; dx_t = g_t, dlambda_t = g_t conj(h_{t-1}), dinitial =
/// conj(lambda_1) g_1. It never divides by lambda.
///
/// `recursive` and `chunked` multiply lambdas of neighbouring steps. Where |lambda| > 1 such a product may
/// overflow before a state does; `sequential` makes none.
ScanResult linear_scan(const Variable& lambda, const Variable& x, const IndexTensor& offsets,
                       const Variable& initial = {}, ScanAlgorithm algorithm = ScanAlgorithm::automatic);

namespace raw {
struct ScanResult {
  Tensor states, final_state;
};
ScanResult linear_scan(const Tensor& lambda, const Tensor& x, const IndexTensor& offsets,
                       const Tensor& initial = {}, ScanAlgorithm algorithm = ScanAlgorithm::automatic);
}  // namespace raw

}  // namespace lrurec::ops
