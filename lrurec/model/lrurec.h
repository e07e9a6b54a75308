#pragma once
// LRURec (section 3.4 and figure 3 of the paper).

#include <memory>
#include <vector>

#include "lrurec/model/model.h"
#include "lrurec/model/recurrent_block.h"
#include "nn/containers.h"
#include "nn/layers.h"

namespace lrurec::model {

/// Why a model is not LRURec with the recurrence, network and norms of the paper, such as "its sublayers have
/// gates"; null if it is. The ablations and eq. 8's outer GELU count as the paper's.
const char* unlike_the_papers(const ModelConfig& config);

/// The whole model over packed sequences. items: i64 [tokens]; offsets: i64 [S + 1], the boundaries over
/// which no state is carried. A start token (id 0) is a sequence of its own, which amounts to the published
/// model's zeroed padding state. Rows are the hidden features of the last block; the item matrix is the
/// embedding E.
class LRURec : public Model, public LinearRecurrence {
 public:
  /// `real` is f32 or f64.
  LRURec(const ModelConfig& config, std::uint64_t seed, DType real = DType::f32)
      : LRURec(config, nn::Initializer(seed, real)) {}
  LRURec(const ModelConfig& config, nn::Initializer init);
  static const ModelInfo& about();
  const ModelInfo& info() const override { return about(); }

  /// Hidden features of every token, [tokens, H].
  Variable encode(const IndexTensor& items, const IndexTensor& offsets,
                  const nn::ForwardContext& context = {}) const;
  Variable encode_composed(const IndexTensor& items, const IndexTensor& offsets,
                           const nn::ForwardContext& context = {}) const;
  /// Outside training: the hidden features of the last token of each sequence, [S, H], with the bits that
  /// encode() gives. The last block runs its second half for these tokens only. No sequence may be empty.
  Variable encode_last(const IndexTensor& items, const IndexTensor& offsets) const;

  Variable training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const override {
    return encode(batch.items, batch.offsets, context);
  }
  Variable training_rows_composed(const data::BatchTensors& batch,
                                  const nn::ForwardContext& context) const override {
    return encode_composed(batch.items, batch.offsets, context);
  }
  Variable user_rows(const data::BatchTensors& histories) const override {
    return encode_last(histories.items, histories.offsets);
  }
  /// E, or with ModelConfig::item_norm its rows by their direction alone: w E_i / rms(E_i).
  Variable item_matrix() const override;
  Variable item_vectors() const override { return embedding_.weight; }
  Variable item_bias() const override { return bias_; }
  std::string problem() const override;

  /// Inference event by event (nn/layers.h). The state holds the states of all blocks, [blocks, n, ...].
  void prepare_steps() override;
  Tensor initial_state(const IndexTensor& users) const override;
  Tensor step(const IndexTensor& items, const Tensor& state) const override;

  /// Null where something else stands in the LRU's place.
  const LinearRecurrence* recurrence() const override;
  std::vector<Tensor> eigenvalues() const override;
  std::vector<Tensor> lambdas() const override;
  std::vector<Tensor> gains() const override;
  std::vector<Tensor> recurrence_inputs(const IndexTensor& items, const IndexTensor& offsets) const override;

 private:
  /// Equation 7: what enters the first block.
  Variable embed(const IndexTensor& items, const nn::ForwardContext& context) const;
  /// From the last block's output to the rows: a layer norm with norm_first, else the output itself.
  Variable finished(const Variable& x) const;

  nn::Embedding embedding_;          ///< E: [|I| + 1, H]
  nn::ResidualNorm embedding_norm_;  ///< of the embedding alone, which has no residual
  nn::ModuleList<RecurrentBlock> blocks_;
  std::optional<nn::LayerNorm> final_norm_;  ///< with norm_first
  std::optional<nn::RMSNorm> item_norm_;     ///< with item_norm
  Variable bias_;                            ///< b: [|I| + 1]
};

}  // namespace lrurec::model
