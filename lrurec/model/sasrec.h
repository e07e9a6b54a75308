#pragma once
// SASRec (Kang and McAuley, ICDM 2018) in the form of LRURec's block: norms after the residuals, a
// position-wise network of width 4 H, cross-entropy at every position. The original has norms before the
// sublayers, a network of width H and one sampled negative, which understates it; see docs/models.md.

#include "lrurec/model/model.h"
#include "nn/transformer.h"

namespace lrurec::model {

/// x = LN(dropout(E_item + P_place)), causal transformer blocks, scores h E^T.
class SASRec : public Model {
 public:
  SASRec(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override;
  Variable training_rows_composed(const data::BatchTensors& batch,
                                  const nn::ForwardContext& context) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return encoder_.item_vectors(); }
  Variable item_bias() const override { return no_bias(); }
  std::int64_t input_length(std::int64_t max_length) const override;

 private:
  nn::TransformerEncoder encoder_;  ///< E: [|I| + 1, H], P: [L, H]
};

}  // namespace lrurec::model
