#pragma once
// BERT4Rec (Sun et al., CIKM 2019).

#include "lrurec/model/model.h"
#include "nn/transformer.h"

namespace lrurec::model {

/// Some items of a sequence are hidden and predicted from both sides (data::ExampleKind::cloze): x =
/// dropout(LN(E_item + P_place)), bidirectional transformer blocks, row = gelu(W h + b), scores = row E^T +
/// c. To rank the next item, the mask is put behind the last L - 1 items. The model is not causal: every row
/// depends on the whole sequence, so there is no state.
class BERT4Rec : public Model {
 public:
  BERT4Rec(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override;
  Variable training_rows_composed(const data::BatchTensors& batch,
                                  const nn::ForwardContext& context) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override;
  Variable item_bias() const override { return bias_; }
  std::int64_t input_length(std::int64_t max_length) const override;

 private:
  /// The mask's item number: the one after the last item.
  std::int64_t mask() const { return config_.num_items + 1; }
  /// gelu(W h + b) at the hidden tokens: [tokens, H].
  Variable head(const Variable& h, const IndexTensor& tokens) const;

  nn::TransformerEncoder encoder_;  ///< E: [|I| + 2, H], P: [L, H]
  nn::Linear transform_;
  Variable bias_;  ///< c: [|I| + 1]
};

}  // namespace lrurec::model
