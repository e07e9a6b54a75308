#pragma once
// FISM (Kabbur et al., KDD 2013), trained by cross-entropy over all items.

#include "lrurec/model/model.h"
#include "nn/layers.h"

namespace lrurec::model {

/// score(u, i) = n^-alpha (sum over the n items j of u's history of p_j) . q_i + b_i, the history being all
/// items known of u, in any order. In training the target is left out of its own sum. The other items of the
/// history stay among the classes of the softmax, where they see themselves in the sum.
class FISM : public Model {
 public:
  FISM(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext&) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return items_.weight; }
  Variable item_bias() const override { return bias_; }
  std::int64_t input_length(std::int64_t) const override;

  /// The state is the sum of p_j and n: [1, n, H + 1].
  Tensor initial_state(const IndexTensor& users) const override;
  Tensor step(const IndexTensor& items, const Tensor& state) const override;

 private:
  Variable rows(const IndexTensor& items, const IndexTensor& offsets) const;

  nn::Embedding history_, items_;  ///< p, q: [|I| + 1, H]
  Variable bias_;                  ///< b: [|I| + 1]
};

}  // namespace lrurec::model
