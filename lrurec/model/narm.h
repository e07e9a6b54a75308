#pragma once
// NARM (Li et al., CIKM 2017).

#include "lrurec/model/model.h"
#include "nn/gru.h"
#include "nn/layers.h"

namespace lrurec::model {

/// A GRU of width D = 2 H over x = dropout(E_item), with attention from its state h_t to the states h_j up to
/// it:
///
///   q_t = A1 h_t,  k_j = A2 h_j
///   a_tj = softmax_j(v . sigmoid(q_t + k_j)),  c_t = sum_j a_tj h_j
///   row = dropout(h_t, c_t) B,  score of item i = row . E_i
///
/// One pass predicts the item after every prefix, as in GRU4Rec.
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
  /// dropout(h, c) B; h, c: [rows, D] -> [rows, H].
  Variable rows(const Variable& h, const Variable& c, const nn::ForwardContext& context) const;

  nn::Embedding embedding_;  ///< E: [|I| + 1, H]
  nn::GRU gru_;
  Variable query_, key_, score_;  ///< A1, A2: [D, D], v: [D]
  Variable decoder_;              ///< B^T: [H, 2 D]
  nn::Dropout embedding_dropout_, final_dropout_;
};

}  // namespace lrurec::model
