#include "lrurec/model/session.h"

#include <algorithm>

#include "lrurec/model/models.h"
#include "ops/shape/shape_ops.h"
#include "tensor/error.h"

namespace lrurec::model {

IncrementalModel::IncrementalModel(const Model& model)
    : model_(model.clone()), items_(model.item_matrix().value(), model.item_bias().value()) {
  if (!model.info().has_state) {
    fail(ErrorKind::usage,
         "{} keeps no state of a fixed size between events, so it has no sessions; use lrurec recommend, "
         "which reads whole histories",
         model.info().title);
  }
  model_->prepare_steps();
  empty_ = initial_state(0);
}

bool IncrementalModel::has_fixed_bits() const {
  return !model_->device().is_cuda() && info().has_own_products(config());
}

Tensor IncrementalModel::initial_state(std::int64_t n) const {
  return model_->initial_state(Tensor::zeros({n}, DType::i64));
}

Tensor IncrementalModel::step(const IndexTensor& items, Tensor& state) const {
  if (items.rank() != 1 || items.dtype() != DType::i64) {
    fail(ErrorKind::internal, "[incremental] items: {} {} must be i64 [n]", name(items.dtype()),
         items.shape().str());
  }
  std::vector<std::int64_t> sizes(empty_.shape().begin(), empty_.shape().end());
  sizes.at(1) = items.numel();
  const Shape wanted(sizes);
  if (state.shape() != wanted || state.dtype() != empty_.dtype() || !state.is_contiguous()) {
    fail(ErrorKind::internal, "[incremental] items: {} {}, state: {} {} must be i64 [n] and dense {} {}",
         name(items.dtype()), items.shape().str(), name(state.dtype()), state.shape().str(),
         name(empty_.dtype()), wanted.str());
  }
  if (state.device() != model_->device()) {
    fail(ErrorKind::internal, "[incremental] the state is on {}, the model is on {}", state.device().str(),
         model_->device().str());
  }
  const Tensor ids = items.host();
  for (std::int64_t i = 0; i < ids.numel(); ++i) {
    const auto item = ids.data<std::int64_t>()[i];
    if (item < 1 || item > config().num_items) {
      fail(ErrorKind::internal, "[incremental] item {} is not in 1..{}", item, config().num_items);
    }
  }
  return model_->step(ids, state);
}

ops::raw::TopK IncrementalModel::top_k(const Tensor& hidden, std::int64_t k,
                                       const ops::raw::ExcludedClasses& excluded,
                                       std::int64_t* scored) const {
  return ops::raw::linear_top_k(hidden, items_, k, excluded, scored);
}

Session::Session(const IncrementalModel& model, std::int64_t user)
    : model_(model), state_(model.initial_state(Tensor::from(std::vector<std::int64_t>{user}))) {}

void Session::observe(std::int64_t item) {
  hidden_ = model_.step(Tensor::from(std::vector<std::int64_t>{item}), state_);
  ++events_;
}

void Session::observe_together(std::span<Session* const> sessions, std::span<const std::int64_t> items) {
  if (sessions.empty()) return;
  const IncrementalModel& model = sessions.front()->model_;
  const std::int64_t n = std::ssize(sessions);
  Tensors states;
  for (const Session* session : sessions) states.push_back(session->state_);
  Tensor together = ops::raw::concat(states, 1);
  const Tensor rows =
      model.step(Tensor::from(std::vector<std::int64_t>(items.begin(), items.end())), together);
  Tensors after, hidden;  // all memory is taken before any session changes
  for (std::int64_t u = 0; u < n; ++u) {
    after.push_back(together.slice(1, u, u + 1).clone());
    hidden.push_back(rows.slice(0, u, u + 1).clone());
  }
  for (std::size_t u = 0; u < sessions.size(); ++u) {
    sessions[u]->state_ = std::move(after[u]);
    sessions[u]->hidden_ = std::move(hidden[u]);
    ++sessions[u]->events_;
  }
}

std::vector<Recommendation> Session::recommend(std::int64_t k, std::span<const std::int32_t> excluded) const {
  if (!hidden_.defined()) fail(ErrorKind::internal, "[session] there was no event yet");
  ExclusionList list;
  list.add(excluded);
  const auto best = model_.top_k(hidden_, std::min(k, model_.config().num_items), list.classes());
  const auto ids = best.indices.to_vector<std::int64_t>();
  const auto scores = best.values.to(DType::f64).to_vector<double>();
  std::vector<Recommendation> result;
  for (std::size_t i = 0; i < ids.size() && ids[i] >= 0; ++i) result.push_back({ids[i], scores[i]});
  return result;
}

void Session::set_state(const Tensor& state) {
  if (state.shape() != state_.shape() || state.dtype() != state_.dtype()) {
    fail(ErrorKind::internal, "[session] state: {} {} must be {} {}", name(state.dtype()),
         state.shape().str(), name(state_.dtype()), state_.shape().str());
  }
  state_ = state.to(state_.device()).contiguous().clone();
}

}  // namespace lrurec::model
