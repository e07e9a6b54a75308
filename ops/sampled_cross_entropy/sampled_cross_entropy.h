#pragma once
// The training loss over sampled classes, for catalogues over which a full softmax costs too much.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

struct SampledOptions {
  /// log of how often a class is expected among the negatives of one token; it is subtracted from their
  /// scores. For n uniform draws out of N classes it is log(n / N). 0: no correction.
  double log_expected_count = 0;
  /// Tokens taken together with shared negatives; 0 chooses.
  std::int64_t chunk_tokens = 0;
};

/// Mean over tokens with a label y_t of
///
///   -log( exp(s_{t,y_t}) / (exp(s_{t,y_t}) + sum_{j: ids_j != y_t} exp(s_{t,ids_j} - c)) ),
///   s_{t,i} = x_t . weight_i + bias_i,   c = options.log_expected_count.
///
/// A negative that happens to be the label is left out; one that was drawn twice counts twice.
///
/// x: [tokens, H], weight: [C, H], bias: [C], f32 or f64; labels: i64 [tokens], -1 = no label; negatives: i64
/// in 0..C-1, either [tokens, n], some for each token, or [m], the same for all -> scalar. Shapes, dtypes or
/// ids that do not fit are an error, and so is no label at all.
///
/// The correction (Bengio and Senecal 2008, Jean et al. 2015): with c = log of the expected count, each class
/// but the label enters the sum with expectation exp(s), so the denominator is an unbiased estimate of the
/// full softmax's. The label's own expected count is 1, since it is always there. (With proposals that differ
/// by class, the label's score is corrected too. With a uniform one, subtracting c from all scores would do
/// nothing.) Without the correction, the loss is that of telling the label from n random classes.
///
/// With p the probabilities above and g = (p - onehot(label)) / labels:
///
///   dx_t = sum_i g_{t,i} weight_i,  dweight_i = sum_t g_{t,i} x_t,  dbias_i = sum_t g_{t,i}.
///
/// The forward pass keeps g, or with shared negatives its products with x; only backward makes the dense
/// [C, H]. With negatives for each token the bits do not depend on the number of threads. With shared ones
/// OpenBLAS makes the products.
Variable sampled_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                               const IndexTensor& labels, const IndexTensor& negatives,
                               const SampledOptions& options = {});

}  // namespace lrurec::ops
