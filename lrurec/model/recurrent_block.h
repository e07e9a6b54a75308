#pragma once
// The block of LRURec (section 3.4 and figure 3 of the paper).

#include <memory>
#include <optional>

#include "lrurec/model/config.h"
#include "nn/layers.h"
#include "nn/lru.h"

namespace lrurec::model {

/// LRU and position-wise network, each with dropout, residual and layer norm (equations 5, 8, 9):
///
///   y   = LN(dropout(LRU(x)) + x)
///   out = LN(dropout(PFFN(y)) + y)
///
/// With ModelConfig::norm_first the norms stand before the sublayers: y = dropout(LRU(LN(x))) + x. With
/// ModelConfig::gates each sublayer has a gate: y = LN(dropout(sigmoid(W x + b) * LRU(x)) + x). The gate
/// reads x itself, also with norm_first. ModelConfig::network puts another network in PFFN's place.
///
/// ModelConfig::backbone puts another recurrence in the LRU's place. The ablations (ModelConfig::layer_norm,
/// residual, pffn) leave out LN, "+ x" and "+ y", or the second line.
class RecurrentBlock : public nn::Module {
 public:
  /// `index` of config.blocks.
  RecurrentBlock(const ModelConfig& config, std::int64_t index, nn::Initializer& init);

  /// x: [tokens, H] -> [tokens, H], written as the equations.
  Variable forward_composed(const Variable& x, const IndexTensor& offsets,
                            const nn::ForwardContext& context) const;
  /// The same by the fused operations.
  Variable forward(const Variable& x, const IndexTensor& offsets, const nn::ForwardContext& context) const;
  /// Outside training: the output of the last token of each sequence, [S, H], with the bits that forward()
  /// gives. No sequence may be empty.
  Variable forward_last(const Variable& x, const IndexTensor& offsets) const;

  /// Inference event by event, as nn::SequenceLayer.
  void prepare_steps();
  Tensor initial_state(std::int64_t n) const { return recurrence_->initial_state(n); }
  Tensor step(const Tensor& x, const Tensor& state) const;

  /// The LRU, also the one inside nn::GatedLRU; null where something else stands in its place.
  const nn::LRU* lru() const;
  /// Undefined where the recurrence has none (nn::SequenceLayer).
  Tensor eigenvalues() const { return recurrence_->eigenvalues(); }
  /// The input of that LRU when the block's input is x.
  Variable lru_input(const Variable& x, const IndexTensor& offsets) const;

 private:
  Variable position_wise_half(const Variable& y, const nn::ForwardContext& context) const;
  /// sigmoid(W x + b) * f, or f where there is no gate.
  static Variable gated(const std::optional<nn::Linear>& gate, const Variable& f, const Variable& x);

  std::unique_ptr<nn::SequenceLayer> recurrence_;
  std::optional<nn::Linear> recurrence_gate_, feed_forward_gate_;
  nn::ResidualNorm recurrence_norm_;
  std::unique_ptr<nn::PositionWise> feed_forward_;  ///< null without config.pffn, as is its norm
  std::optional<nn::ResidualNorm> feed_forward_norm_;
  bool outer_gelu_;
};

nn::SublayerParts sublayer_parts(const ModelConfig& config);

}  // namespace lrurec::model
