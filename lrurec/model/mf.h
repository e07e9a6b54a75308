#pragma once
// Matrix factorisation (Koren et al., Computer 2009), trained by cross-entropy over all items.

#include "lrurec/model/model.h"
#include "nn/layers.h"

namespace lrurec::model {

/// score(u, i) = p_u . q_i + b_i: a row is the user's, whatever the history.
class MF : public Model {
 public:
  MF(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext&) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return items_.weight; }
  Variable item_bias() const override { return bias_; }
  std::int64_t input_length(std::int64_t) const override { return 1; }

 private:
  nn::Embedding users_, items_;  ///< p: [|U| + 1, H], row 0 for nobody; q: [|I| + 1, H]
  Variable bias_;                ///< b: [|I| + 1]
};

}  // namespace lrurec::model
