#pragma once
// What all models have in common: the interface between them and training, evaluation, recommendation and
// sessions, none of which knows which model it has.

#include <memory>
#include <string>
#include <vector>

#include "lrurec/data/batch.h"
#include "lrurec/model/config.h"
#include "nn/init.h"
#include "nn/module.h"
#include "nn/sequence_layer.h"
#include "ops/linear_cross_entropy/head_algorithm.h"
#include "ops/linear_rank/linear_rank.h"
#include "tensor/index_tensor.h"

namespace lrurec::model {

struct ModelInfo;
class LinearRecurrence;

/// A model turns users' histories into rows [n, K], which are scored against all items by one product:
/// scores = rows W^T + b with W: [|I| + 1, K] and b: [|I| + 1]. A model says what its rows and its W and b
/// are; losses, ranks and scores follow from that and stand here once.
class Model : public nn::Module {
 public:
  /// Its entry in the table of models (models.h).
  virtual const ModelInfo& info() const = 0;
  const ModelConfig& config() const { return config_; }
  /// A copy with parameters of its own and the same values.
  std::unique_ptr<Model> clone() const;

  // ---- what a model says of itself ---------------------------------------------------------------------

  /// Rows of a batch of training examples, one for each of batch.labels: [labels, K].
  virtual Variable training_rows(const data::BatchTensors& batch,
                                 const nn::ForwardContext& context) const = 0;
  /// The same written as the equations, by compositions; for readers and tests.
  virtual Variable training_rows_composed(const data::BatchTensors& batch,
                                          const nn::ForwardContext& context) const {
    return training_rows(batch, context);
  }
  /// Outside training: the row of each of S histories (items, offsets and users of the batch), [S, K]. No
  /// history is empty: one without items holds the start token. If info().needs_users, a user outside the
  /// data set is ErrorKind::usage.
  virtual Variable user_rows(const data::BatchTensors& histories) const = 0;
  /// W: [|I| + 1, K].
  virtual Variable item_matrix() const = 0;
  /// The parameter that W is, or is computed from: the same shape, without any computation.
  virtual Variable item_vectors() const { return item_matrix(); }
  /// b: [|I| + 1].
  virtual Variable item_bias() const = 0;
  /// How many of a history's last items the model reads when the protocol's L is max_length.
  virtual std::int64_t input_length(std::int64_t max_length) const { return max_length; }
  /// What is wrong with the values, "" if nothing: LRURec's eigenvalues must have a modulus below 1.
  virtual std::string problem() const { return {}; }

  // ---- inference event by event, where info().has_state ------------------------------------------------

  /// Lays out the weights as step() reads them. If the weights change afterwards, a step is
  /// ErrorKind::internal.
  virtual void prepare_steps() {}
  /// The states of n users before any item, on the model's device: one tensor with the users along dimension
  /// 1. A state has a fixed size and holds all that is known of a user's past. users: i64 [n]
  /// (data::BatchTensors::users). Without info().has_state, this and step() are ErrorKind::internal.
  virtual Tensor initial_state(const IndexTensor& users) const;
  /// Takes one item (i64 [n]) of each of n users and returns their rows [n, K], which are those of
  /// user_rows() for the whole history. `state` must be dense and becomes the state after the item.
  virtual Tensor step(const IndexTensor& items, const Tensor& state) const;

  // ---- looking inside ------------------------------------------------------------------------------------

  /// Models with a diagonal linear recurrence; null for others.
  virtual const LinearRecurrence* recurrence() const { return nullptr; }

  /// Of each block, by what the channels of its state are multiplied from one item to the next, c128
  /// [channels] on the CPU. None for models and backbones where that depends on the items, or where channels
  /// mix.
  virtual std::vector<Tensor> eigenvalues() const { return {}; }

  // ---- what follows ------------------------------------------------------------------------------------

  /// Equation 1: the mean cross-entropy over the batch's labels (-1: no label) and all |I| + 1 classes. With
  /// label smoothing e it is (1 - e) times that plus e times the mean cross-entropy of all classes (see
  /// ops::label_margin).
  Variable loss(const data::BatchTensors& batch, const nn::ForwardContext& context = {},
                const ops::HeadOptions& head = {}, double label_smoothing = 0) const;
  /// The same written out, by compositions all the way: stores all scores; for readers and tests.
  Variable loss_composed(const data::BatchTensors& batch, const nn::ForwardContext& context = {},
                         double label_smoothing = 0) const;
  /// The loss over sampled classes (see ops::sampled_cross_entropy). negatives: i64 items, [labels, n] with n
  /// for each label, or [m] shared by all labels; `log_correction` scales them up to stand for all |I| items.
  Variable sampled_loss(const data::BatchTensors& batch, const IndexTensor& negatives, bool log_correction,
                        const nn::ForwardContext& context = {}) const;

  /// Equation 10: scores of 0..|I|, [n, K] -> [n, |I| + 1].
  Variable predict(const Variable& rows) const;
  /// Ranks of target items (i64 [n]) among all but the excluded ones, see ops::raw::linear_ranks; the start
  /// token must be among the excluded.
  ops::raw::LinearRanks ranks(const Variable& rows, const IndexTensor& targets,
                              const ops::raw::ExcludedClasses& excluded, bool with_losses = false) const;
  /// Scores of some candidates only, outside training: rows: [n, K], candidates: i64 [n, k] -> [n, k].
  Tensor score(const Tensor& rows, const Tensor& candidates) const;

  /// Where the parameters are. Inputs that are elsewhere are sent there.
  Device device() const { return item_vectors().value().device(); }
  /// Of the parameters: f32 or f64.
  DType dtype() const { return item_vectors().dtype(); }

 protected:
  explicit Model(const ModelConfig& config) : config_(config) {}
  /// For item_bias() of models without one: zeros.
  Variable no_bias() const;

  ModelConfig config_;
};

/// The inside of a diagonal linear recurrence h_k = lambda h_{k-1} + u_k, block by block.
class LinearRecurrence {
 public:
  virtual ~LinearRecurrence() = default;
  /// lambda of each block, complex [D], on the CPU.
  virtual std::vector<Tensor> lambdas() const = 0;
  /// Gain of the channels of each block, f64 [D] on the CPU: gamma |B_k| |C_k|, how much of what enters a
  /// channel comes out of it at once.
  virtual std::vector<Tensor> gains() const = 0;
  /// Outside training: u of each block, complex [tokens, D], for every token of some histories.
  virtual std::vector<Tensor> recurrence_inputs(const IndexTensor& items,
                                                const IndexTensor& offsets) const = 0;

  /// Mean |lambda| of each block (table 5 of the paper).
  std::vector<double> mean_abs_lambda() const;
  /// Largest |lambda| of all blocks: it must stay below 1.
  double max_abs_lambda() const;
};

using nn::last_tokens;

}  // namespace lrurec::model
