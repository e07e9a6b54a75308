#pragma once
// The linear recurrence of the paper (equations 3-6, Algorithm 1).

#include <string_view>

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// How the recurrence is computed. All of them give the same numbers up to rounding.
enum class ScanAlgorithm {
  sequential,  ///< one step after the other: D work a step, no parallelism in time
  recursive,   ///< Algorithm 1 of the paper: log2(L) rounds through half of all rows, (L / 2) log2(L) work
  chunked,     ///< chunks of time side by side, then their carries: twice the work, parallel in time
  automatic,   ///< GPU: chunked; CPU: chunked for fewer sequences than threads, 1024 tokens or more each on
               ///< average, else sequential
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
/// x: [tokens, D]; initial: [S, D] or undefined; f32 f64 c64 c128, one dtype.
/// lambda: [D]; or [tokens, D], a lambda_t for every token (gates: RG-LRU, Mamba, minGRU; 0 is a reset).
/// offsets: i64 [S + 1], 0 = offsets[0] <= ... <= offsets[S] = tokens. Sequence s is rows
/// offsets[s] .. offsets[s+1]-1, and no state passes from one sequence to another.
///
/// One step with a carried state is the same operation, with S sequences of one token.
///
/// Backward is the scan reversed with conj(lambda). It never divides by lambda.
///
///   g_t = dh_t + conj(lambda) g_{t+1},  dx_t = g_t
///   dlambda = sum_t g_t conj(h_{t-1}),  dinitial = conj(lambda) g_1
///
/// and with lambda_t:
///
///   g_t = dh_t + conj(lambda_{t+1}) g_{t+1},  dx_t = g_t
///   dlambda_t = g_t conj(h_{t-1}),  dinitial = conj(lambda_1) g_1
///
/// The gradient of a final state is added to dh of the sequence's last token.
///
/// `recursive` and `chunked` multiply the lambdas of neighbouring steps. Where |lambda| > 1, such a product
/// may overflow before a state does. `sequential` makes no such products.
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
