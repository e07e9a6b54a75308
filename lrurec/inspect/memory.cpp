#include "lrurec/inspect/memory.h"

#include <algorithm>
#include <complex>

#include "lrurec/inspect/eigenvalues.h"
#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::inspect {
namespace {

using c128 = std::complex<double>;

Tensor ids(const std::vector<std::int64_t>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

/// Each token's share of the last state of a sequence, 0 if that state is 0. input: u, complex [L, D].
std::vector<double> shares(const Tensor& input, const Eigenvalues& lambda) {
  const Tensor u = input.to(DType::c128).host().contiguous();
  const std::int64_t L = u.size(0), D = u.size(1);
  std::vector<c128> contribution(static_cast<std::size_t>(L * D)), state(static_cast<std::size_t>(D));
  for (std::int64_t d = 0; d < D; ++d) {
    c128 power = 1;
    for (std::int64_t k = L - 1; k >= 0; --k) {
      const auto at = static_cast<std::size_t>(k * D + d);
      contribution[at] = power * u.data<c128>()[at];
      state[static_cast<std::size_t>(d)] += contribution[at];
      power *= lambda[static_cast<std::size_t>(d)];
    }
  }
  double square = 0;
  for (const auto h : state) square += std::norm(h);
  std::vector<double> result;
  for (std::int64_t k = 0; k < L; ++k) {
    double along = 0;
    for (std::int64_t d = 0; d < D; ++d) {
      along += std::real(std::conj(state[static_cast<std::size_t>(d)]) *
                         contribution[static_cast<std::size_t>(k * D + d)]);
    }
    result.push_back(square > 0 ? along / square : 0);
  }
  return result;
}

/// The candidate's score after each of some histories.
std::vector<double> scores(const model::Model& model, const std::vector<std::vector<std::int64_t>>& histories,
                           std::int32_t candidate, std::int64_t user) {
  std::vector<std::int64_t> items, offsets{0};
  for (const auto& history : histories) {
    items.insert(items.end(), history.begin(), history.end());
    offsets.push_back(std::ssize(items));
  }
  const auto n = static_cast<std::int64_t>(histories.size());
  const Tensor users = Tensor::from(std::vector<std::int64_t>(histories.size(), user));
  const Tensor rows = model.user_rows({ids(items), ids(offsets), {}, users, {}}).value();
  const Tensor candidates = Tensor::from(std::vector<std::int64_t>(histories.size(), candidate), {n, 1});
  const Tensor found = model.score(rows, candidates).to(DType::f64).host().contiguous();
  return {found.data<double>(), found.data<double>() + n};
}

}  // namespace

Memory memory(const model::Model& model, std::span<const std::int32_t> history, std::int32_t candidate,
              std::int64_t max_length, std::int64_t user) {
  if (history.empty()) fail(ErrorKind::internal, "[memory] the history is empty");
  const NoGrad no_grad;
  const auto size = std::ssize(history), L = std::min(size, model.input_length(max_length));
  const std::vector<std::int64_t> read(history.end() - L, history.end());
  // Without one of these items the model reads one older item, if there is one.
  const std::vector<std::int64_t> longer(history.end() - std::min(size, L + 1), history.end());

  std::vector<std::vector<std::int64_t>> histories{read};
  for (std::int64_t k = 0; k < L && size > 1; ++k) {
    histories.push_back(longer);
    histories.back().erase(histories.back().end() - L + k);
  }
  const std::vector<double> after = scores(model, histories, candidate, user);

  Memory result{after[0], std::vector<ItemMemory>(read.size())};
  const auto lambda = model.recurrence() != nullptr ? eigenvalues(model) : std::vector<Eigenvalues>{};
  const auto inputs =
      lambda.empty() ? std::vector<Tensor>{} : model.recurrence()->recurrence_inputs(ids(read), ids({0, L}));
  for (std::size_t b = 0; b < inputs.size(); ++b) {
    const auto of_block = shares(inputs[b], lambda[b]);
    for (std::size_t k = 0; k < read.size(); ++k) result.items[k].share.push_back(of_block[k]);
  }
  for (std::size_t k = 0; k < read.size(); ++k) {
    result.items[k].item = static_cast<std::int32_t>(read[k]);
    if (size > 1) result.items[k].score_change = after[0] - after[k + 1];
  }
  return result;
}

}  // namespace lrurec::inspect
