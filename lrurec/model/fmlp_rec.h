#pragma once
// FMLP-Rec (Zhou et al., WWW 2022).

#include "lrurec/model/model.h"
#include "nn/containers.h"
#include "nn/layers.h"

namespace lrurec::model {

/// A learnt filter over the places of a sequence, then a position-wise network:
///
///   y   = LN(dropout(filter(x)) + x)
///   out = LN(dropout(PFFN(y)) + y)
///
/// x: [S L, H], the L places of each of S sequences. A filter is a circular convolution over these L places.
class FilterBlock : public nn::Module {
 public:
  FilterBlock(const ModelConfig& config, std::uint64_t first_dropout_site, nn::Initializer& init);
  enum class Places { all, last };
  /// -> [S L, H], or with Places::last only the last place of each sequence, [S, H].
  Variable forward(const Variable& x, Places places, const nn::ForwardContext& context) const;
  Variable forward_composed(const Variable& x, Places places, const nn::ForwardContext& context) const;

  static constexpr std::uint64_t dropout_sites = 2;

 private:
  Variable filtered(const Variable& x, bool fused) const;
  Variable wanted(const Variable& x, Places places) const;

  std::int64_t places_;  ///< L
  Variable filter_;      ///< W: complex [L / 2 + 1, H]
  nn::ResidualNorm filter_norm_;
  nn::FeedForward feed_forward_;
  nn::ResidualNorm feed_forward_norm_;
};

/// x = dropout(LN(E_item + P_place)), filter blocks, the row is the last place, scores h E^T. Histories end
/// at place L. The places before their first item hold item 0, which the filters see like any other. A filter
/// is not causal: a place sees those after it. So each prefix is an example of its own, with its label at the
/// end.
class FMLPRec : public Model {
 public:
  FMLPRec(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override;
  Variable training_rows_composed(const data::BatchTensors& batch,
                                  const nn::ForwardContext& context) const override;
  Variable user_rows(const data::BatchTensors& histories) const override;
  Variable item_matrix() const override { return embedding_.weight; }
  Variable item_bias() const override { return no_bias(); }
  std::int64_t input_length(std::int64_t max_length) const override;

 private:
  /// x of all places, [S L, H].
  Variable embed(const data::BatchTensors& batch, const nn::ForwardContext& context) const;

  nn::Embedding embedding_, positions_;  ///< E: [|I| + 1, H], P: [L, H]
  nn::LayerNorm embedding_norm_;         ///< of their sum
  nn::Dropout dropout_;
  nn::ModuleList<FilterBlock> blocks_;
};

}  // namespace lrurec::model
