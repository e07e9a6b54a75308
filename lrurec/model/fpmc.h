#pragma once
// Factorised personalised Markov chains (Rendle et al., WWW 2010) with baskets of one item, trained by
// cross-entropy over all items.

#include "lrurec/model/model.h"
#include "nn/layers.h"

namespace lrurec::model {

/// score(u, i | last item l) = UI_u . IU_i + LI_l . IL_i: a row is (UI_u, LI_l), an item's vector (IU_i,
/// IL_i), both of width 2 H. For a user outside the data set UI_u is 0, which leaves the Markov chain.
class FPMC : public Model {
 public:
  FPMC(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return items_.weight; }
  Variable item_bias() const override { return no_bias(); }
  std::int64_t input_length(std::int64_t) const override { return 1; }

  /// The state is the row: [1, n, 2 H].
  Tensor initial_state(const IndexTensor& users) const override;
  Tensor step(const IndexTensor& items, const Tensor& state) const override;

 private:
  /// The rows of users (1..|U|, 0: nobody) after a last item.
  Variable rows(const IndexTensor& users, const IndexTensor& last) const;

  nn::Embedding users_, last_, items_;  ///< UI: [|U| + 1, H], LI: [|I| + 1, H], (IU, IL): [|I| + 1, 2 H]
};

}  // namespace lrurec::model
