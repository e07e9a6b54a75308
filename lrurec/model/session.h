#pragma once
// Inference event by event: what a user did so far is one small state, so that a step costs the same after
// ten events as after ten thousand (section 5.5 of the paper).

#include <memory>
#include <span>
#include <vector>

#include "lrurec/model/model.h"
#include "lrurec/model/recommendation.h"
#include "ops/linear_top_k/linear_top_k.h"
#include "tensor/index_tensor.h"

namespace lrurec::model {

/// A copy of a model with weights laid out as the kernels of steps read them. Later changes of the model do
/// not reach it.
class IncrementalModel {
 public:
  /// A model without a state of a fixed size (ModelInfo::has_state) is ErrorKind::usage.
  explicit IncrementalModel(const Model& model);

  const ModelConfig& config() const { return model_->config(); }
  const ModelInfo& info() const { return model_->info(); }
  /// States of users before any event, users along dimension 1 (Model::initial_state). LRURec's are zeros,
  /// complex [blocks, n, D]: 2 KB a user at the paper's sizes.
  Tensor initial_state(const IndexTensor& users) const { return model_->initial_state(users); }
  /// The same for n unknown users.
  Tensor initial_state(std::int64_t n) const;
  /// Takes one item (i64 [n], 1..|I|, on either device) of each of n users; `state` becomes the state after
  /// it. Returns their rows [n, K], those that Model::user_rows gives for the whole history. Wrong shapes,
  /// dtypes, devices or items are ErrorKind::internal.
  Tensor step(const IndexTensor& items, Tensor& state) const;
  /// Whether steps and scores of many users together have the bits that each user gets alone.
  bool has_fixed_bits() const;
  /// The k items with the best scores; item 0 must be among the excluded. See ops::raw::linear_top_k.
  ops::raw::TopK top_k(const Tensor& hidden, std::int64_t k, const ops::raw::ExcludedClasses& excluded,
                       std::int64_t* scored = nullptr) const;

 private:
  std::unique_ptr<Model> model_;
  ops::raw::ClassTable items_;
  Tensor empty_;  ///< the state of no users: dtype and sizes of all states
};

/// One user's session.
class Session {
 public:
  /// user: 1..|U| of the data set, 0: somebody else.
  explicit Session(const IncrementalModel& model, std::int64_t user = 0);

  /// The user took an item (1..|I|).
  void observe(std::int64_t item);

  /// The k best next items that are not in `excluded` (any order; sorted ones cost less), or fewer if fewer
  /// are left; k may be of any size. Before the first event it is ErrorKind::internal.
  std::vector<Recommendation> recommend(std::int64_t k, std::span<const std::int32_t> excluded = {}) const;

  /// One item for each of several different sessions of one model, all in one step. If the model
  /// has_fixed_bits(), the bits are those of observe() for each.
  static void observe_together(std::span<Session* const> sessions, std::span<const std::int64_t> items);

  std::int64_t events() const { return events_; }
  /// All there is to know of the past. A session continues from a copy of it.
  const Tensor& state() const { return state_; }
  void set_state(const Tensor& state);
  /// The row after the last event, [1, K]; undefined before any.
  const Tensor& hidden() const { return hidden_; }

 private:
  const IncrementalModel& model_;
  Tensor state_, hidden_;
  std::int64_t events_ = 0;
};

}  // namespace lrurec::model
