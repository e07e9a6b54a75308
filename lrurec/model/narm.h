#pragma once
// NARM (Li et al., CIKM 2017).

#include "lrurec/model/model.h"
#include "nn/gru.h"
#include "nn/layers.h"

namespace lrurec::model {

/// A GRU of width D = 2 H over x = dropout(E_item); of its states up to t, with q = A1 h_t and k_j = A2 h_j,
/// c_t = sum_j a_tj h_j with a_tj = softmax_j(v . sigmoid(q_t + k_j)); score = dropout(h_t, c_t) B E_i.
/// The row is dropout(h_t, c_t) B, so that its scores are products with E itself. The item after every prefix
/// is predicted in one pass, as in GRU4Rec; a prefix is what its last state sees.
class NARM : public Model {
 public:
  NARM(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override;
  Variable training_rows_composed(const data::BatchTensors& batch,
                                  const nn::ForwardContext& context) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return embedding_.weight; }
  Variable item_bias() const override { return no_bias(); }

 private:
  Variable embed(const data::BatchTensors& batch, const nn::ForwardContext& context) const;
  /// From the last state and what attention makes of all, to rows.
  Variable rows(const Variable& h, const Variable& c, const nn::ForwardContext& context) const;

  nn::Embedding embedding_;  ///< E: [|I| + 1, H]
  nn::GRU gru_;
  Variable query_, key_, score_;  ///< A1, A2: [D, D], v: [D]
  Variable decoder_;              ///< B^T: [H, 2 D]
  nn::Dropout embedding_dropout_, final_dropout_;
};

}  // namespace lrurec::model
