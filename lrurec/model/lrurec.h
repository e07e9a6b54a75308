#pragma once
// LRURec (section 3.4 and figure 3 of the paper).

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "nn/lru.h"
#include "ops/linear_rank/linear_rank.h"
#include "tensor/index_tensor.h"

namespace lrurec::model {

/// Sizes and switches of the model. Defaults are the paper's, in the published implementation's reading.
struct ModelConfig {
  std::int64_t num_items = 0;   ///< |I|; ids are 1..|I|, 0 is the start token
  std::int64_t hidden = 64;     ///< H
  std::int64_t channels = 128;  ///< D, complex channels of the recurrence: 2 H in the paper
  std::int64_t blocks = 2;
  double dropout = 0.2;
  double layer_norm_eps = 1e-5;
  /// Equation 8's outer GELU, which the published implementation does not have.
  bool outer_gelu = false;

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// LRU and position-wise network, each with dropout, residual and layer norm (equations 5, 8, 9):
///   y   = LN(dropout(LRU(x)) + x)
///   out = LN(dropout(PFFN(y)) + y)
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
  nn::FeedForward feed_forward_;
  nn::ResidualNorm feed_forward_norm_;
  bool outer_gelu_;
};

/// The whole model over packed sequences: items: i64 [tokens]; offsets: i64 [S + 1], the boundaries over
/// which no state is carried. A start token (id 0) is a sequence of its own, which is what the published
/// model's zeroed padding state amounts to.
class LRURec : public nn::Module {
 public:
  /// `real` is f32 or f64.
  LRURec(const ModelConfig& config, std::uint64_t seed, DType real = DType::f32);
  /// A model of its own with the same values.
  std::unique_ptr<LRURec> clone() const;

  /// Hidden features of every token, [tokens, H].
  Variable encode(const IndexTensor& items, const IndexTensor& offsets,
                  const nn::ForwardContext& context = {}) const;
  /// Outside training: those of the last token of each sequence, [S, H], the same bits. The last block runs
  /// its second half for these tokens only. No sequence may be empty.
  Variable encode_last(const IndexTensor& items, const IndexTensor& offsets) const;

  /// Outside training: what enters each block, [tokens, H] of every token.
  std::vector<Tensor> block_inputs(const IndexTensor& items, const IndexTensor& offsets) const;

  /// Inference event by event (nn/layers.h): items: i64 [n], one of each of n users -> their hidden features,
  /// [n, H]. `state`, complex [blocks, n, D] and dense, becomes the state after them.
  void prepare_steps();
  Tensor step(const IndexTensor& items, const Tensor& state) const;
  /// The state before any item: zeros.
  Tensor initial_state(std::int64_t n) const;

  /// Equation 10: scores over 0..|I| from hidden features: h E^T + b, [n, H] -> [n, |I| + 1].
  Variable predict(const Variable& hidden) const;

  /// Ranks of target items (i64 [n]) among all but the excluded ones, see ops::raw::linear_ranks; the start
  /// token must be among the excluded.
  ops::raw::LinearRanks ranks(const Variable& hidden, const IndexTensor& targets,
                              const ops::raw::ExcludedClasses& excluded, bool with_losses = false) const;

  /// Mean cross-entropy over the tokens' labels (i64 [tokens], -1: none) and all |I| + 1 classes, equation 1.
  Variable loss(const IndexTensor& items, const IndexTensor& offsets, const IndexTensor& labels,
                const nn::ForwardContext& context = {}) const;
  /// The same written out, by compositions all the way: stores all logits; for readers and tests.
  Variable encode_composed(const IndexTensor& items, const IndexTensor& offsets,
                           const nn::ForwardContext& context = {}) const;
  Variable loss_composed(const IndexTensor& items, const IndexTensor& offsets, const IndexTensor& labels,
                         const nn::ForwardContext& context = {}) const;

  /// The loss over sampled classes (see ops::sampled_cross_entropy). negatives: i64 items, [tokens, n] for
  /// each token or [m] for all; `log_correction` scales them up to stand for all |I| items.
  Variable sampled_loss(const IndexTensor& items, const IndexTensor& offsets, const IndexTensor& labels,
                        const IndexTensor& negatives, bool log_correction,
                        const nn::ForwardContext& context = {}) const;
  /// Scores of some candidates only, outside training: hidden: [n, H], candidates: i64 [n, k] -> [n, k].
  Tensor score(const Tensor& hidden, const Tensor& candidates) const;

  const ModelConfig& config() const { return config_; }
  const LruBlock& block(std::int64_t index) const { return *blocks_[static_cast<std::size_t>(index)]; }
  /// Where the parameters are. Items, offsets and labels may be elsewhere: they are sent there.
  Device device() const { return bias_.value().device(); }
  /// Of the parameters: f32 or f64.
  DType dtype() const { return bias_.dtype(); }
  /// lambda of each block, complex [D], on the CPU.
  std::vector<Tensor> lambdas() const;
  /// Mean |lambda| of each block (table 5 of the paper).
  std::vector<double> mean_abs_lambda() const;
  /// Largest |lambda| of all blocks: it must stay below 1.
  double max_abs_lambda() const;

 private:
  LRURec(const ModelConfig& config, nn::Initializer init);
  /// Equation 7: what enters the first block.
  Variable embed(const IndexTensor& items, const nn::ForwardContext& context) const;

  ModelConfig config_;
  nn::Embedding embedding_;          ///< E: [|I| + 1, H]
  nn::ResidualNorm embedding_norm_;  ///< of the embedding alone
  std::vector<std::unique_ptr<LruBlock>> blocks_;
  Variable bias_;  ///< b: [|I| + 1]
};

}  // namespace lrurec::model
