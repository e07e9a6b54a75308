#pragma once
// GRU4Rec (Hidasi et al., ICLR 2016) under the common protocol of the paper: cross-entropy over all items,
// AdamW. It is not Hidasi's training (session-parallel batches, sampled negatives, BPR-max); see
// docs/models.md.

#include "lrurec/model/model.h"
#include "nn/gru.h"
#include "nn/layers.h"

namespace lrurec::model {

/// x = dropout(E_item), h = GRU(x), row = dropout(h), scores h E^T + b. One pass over the sequence predicts
/// the item after every prefix, since the state at a place is that of its prefix.
class Gru4Rec : public Model {
 public:
  Gru4Rec(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override;
  Variable training_rows_composed(const data::BatchTensors& batch,
                                  const nn::ForwardContext& context) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return embedding_.weight; }
  Variable item_bias() const override { return bias_; }

  /// The state is h, [1, n, H].
  Tensor initial_state(const IndexTensor& users) const override;
  Tensor step(const IndexTensor& items, const Tensor& state) const override;

 private:
  Variable embed(const data::BatchTensors& batch, const nn::ForwardContext& context) const;

  nn::Embedding embedding_;  ///< E: [|I| + 1, H]
  nn::GRU gru_;
  nn::Dropout embedding_dropout_, output_dropout_;
  Variable bias_;  ///< b: [|I| + 1]
};

}  // namespace lrurec::model
