#pragma once
// LRURec (section 3.4 and figure 3 of the paper).

#include <memory>
#include <optional>
#include <vector>

#include "lrurec/model/model.h"
#include "nn/layers.h"
#include "nn/lru.h"

namespace lrurec::model {

/// LRU and position-wise network, each with dropout, residual and layer norm (equations 5, 8, 9):
///   y   = LN(dropout(LRU(x)) + x)
///   out = LN(dropout(PFFN(y)) + y)
///
/// The ablations (ModelConfig::layer_norm, residual, pffn) leave out LN, "+ x" and "+ y", or the second line.
class LruBlock : public nn::Module {
 public:
  LruBlock(const ModelConfig& config, std::uint64_t first_dropout_site, nn::Initializer& init);

  struct Output {
    Variable x;            ///< [tokens, H]
    Variable final_state;  ///< complex [S, D]
  };
  /// Written as the equations.
  Output forward_composed(const Variable& x, const IndexTensor& offsets, const Variable& initial,
                          const nn::ForwardContext& context) const;
  /// The same by the fused operations.
  Output forward(const Variable& x, const IndexTensor& offsets, const Variable& initial,
                 const nn::ForwardContext& context) const;
  /// Outside training: out of the last token of each sequence, [S, H]; the same bits as in the whole. No
  /// sequence may be empty.
  Variable forward_last(const Variable& x, const IndexTensor& offsets) const;
  const nn::LRU& lru() const { return lru_; }

  /// Inference event by event (nn/layers.h): x: [n, H] -> [n, H]; state: complex [n, D], see nn::LRU::step.
  void prepare_steps();
  Tensor step(const Tensor& x, const Tensor& state) const;

  static constexpr std::uint64_t dropout_sites = 3;

 private:
  Variable position_wise_half(const Variable& y, const nn::ForwardContext& context) const;

  nn::LRU lru_;
  nn::ResidualNorm lru_norm_;
  std::optional<nn::FeedForward> feed_forward_;  ///< and its norm, or neither
  std::optional<nn::ResidualNorm> feed_forward_norm_;
  bool outer_gelu_;
};

/// The whole model over packed sequences: items: i64 [tokens]; offsets: i64 [S + 1], the boundaries over
/// which no state is carried. A start token (id 0) is a sequence of its own, which is what the published
/// model's zeroed padding state amounts to. Its rows are the hidden features of the last block, its item
/// matrix is the embedding E.
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
  /// Outside training: those of the last token of each sequence, [S, H], the same bits. The last block runs
  /// its second half for these tokens only. No sequence may be empty.
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
  Variable item_matrix() const override { return embedding_.weight; }
  Variable item_bias() const override { return bias_; }
  std::string problem() const override;

  /// Inference event by event (nn/layers.h). The state is complex [blocks, n, D], zeros before any item.
  void prepare_steps() override;
  Tensor initial_state(const IndexTensor& users) const override;
  Tensor step(const IndexTensor& items, const Tensor& state) const override;

  const LinearRecurrence* recurrence() const override { return this; }
  std::vector<Tensor> lambdas() const override;
  std::vector<Tensor> recurrence_inputs(const IndexTensor& items, const IndexTensor& offsets) const override;

 private:
  /// Equation 7: what enters the first block.
  Variable embed(const IndexTensor& items, const nn::ForwardContext& context) const;

  nn::Embedding embedding_;          ///< E: [|I| + 1, H]
  nn::ResidualNorm embedding_norm_;  ///< of the embedding alone, which has no residual
  std::vector<std::unique_ptr<LruBlock>> blocks_;
  Variable bias_;  ///< b: [|I| + 1]
};

}  // namespace lrurec::model
