#include "lrurec/eval/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lrurec/data/negatives.h"
#include "ops/ops.h"
#include "tensor/error.h"
#include "tensor/parallel_errors.h"

namespace lrurec::eval {
namespace {

data::Items input_of(const data::Dataset& data, std::int64_t user, data::Split split,
                     std::int64_t max_length) {
  const data::Items history = data.history(user, split);
  return history.last(std::min(history.size(), static_cast<std::size_t>(max_length)));
}

/// How many of `users`, from `first` on, are taken together: so many that they have at most 4 million scores
/// (`scores` for each user) and 16k tokens, or 262k on a GPU, which needs more at a time.
std::size_t group_size(const data::Dataset& data, std::span<const std::int64_t> users, std::size_t first,
                       const EvaluateOptions& options, std::int64_t scores, Device device = {}) {
  if (options.users_at_once > 0) {
    return std::min(users.size() - first, static_cast<std::size_t>(options.users_at_once));
  }
  constexpr std::int64_t most_scores = std::int64_t{4} << 20;
  const std::int64_t most_tokens = device.is_cuda() ? 262144 : 16384;
  std::int64_t tokens = 0;
  std::size_t n = 0;
  while (first + n < users.size()) {
    tokens +=
        static_cast<std::int64_t>(input_of(data, users[first + n], options.split, options.max_length).size());
    const bool full = tokens > most_tokens || static_cast<std::int64_t>(n + 1) * scores > most_scores;
    if (full && n > 0) break;
    ++n;
  }
  return n;
}

std::vector<std::int32_t> sorted_distinct(data::Items items) {
  std::vector<std::int32_t> distinct(items.begin(), items.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  return distinct;
}

}  // namespace

std::vector<std::int64_t> users_to_rank(const data::Dataset& data, data::Split split) {
  std::vector<std::int64_t> users = data.evaluated_users(split);
  if (users.empty()) {
    fail(ErrorKind::data, "no user has a {} target ({})", split == data::Split::test ? "test" : "validation",
         data::need_of_targets(data.protocol()));
  }
  return users;
}

std::vector<std::int64_t> users_of(const data::Dataset& data, data::Split split,
                                   std::span<const std::int64_t> users) {
  return users.empty() ? users_to_rank(data, split) : std::vector(users.begin(), users.end());
}

std::vector<std::int64_t> users_to_validate(const data::Dataset& data, std::int64_t count,
                                            std::uint64_t seed) {
  const std::vector<std::int64_t> all = users_to_rank(data, data::Split::validation);
  if (count == 0) return all;
  // The draws of candidates have other keys, which are made of users.
  constexpr std::uint64_t key = ~std::uint64_t{0};
  std::vector<std::int64_t> some;
  for (const auto place : data::draw_candidates(seed, key, count, std::ssize(all), {})) {
    some.push_back(all[static_cast<std::size_t>(place - 1)]);
  }
  std::ranges::sort(some);
  return some;
}

data::Items masked_items(const data::Dataset& data, std::int64_t user, data::Split split, Mask mask,
                         std::int64_t max_length) {
  if (mask == Mask::none) return {};
  return mask == Mask::all ? data.history(user, split) : input_of(data, user, split, max_length);
}

std::int64_t rank_of(std::span<const float> scores, std::int32_t target, data::Items excluded) {
  const float bar = scores[static_cast<std::size_t>(target)];
  std::int64_t at_or_above = 0, not_numbers = 0;
  const auto n = static_cast<std::int64_t>(scores.size());
#pragma omp simd reduction(+ : at_or_above, not_numbers)
  for (std::int64_t i = 1; i < n; ++i) {
    const float score = scores[static_cast<std::size_t>(i)];
    at_or_above += score >= bar ? 1 : 0;
    not_numbers += score == score ? 0 : 1;
  }
  if (not_numbers > 0) {
    fail(ErrorKind::non_finite,
         "{} of {} scores are not numbers, so the model's weights are broken; use another checkpoint, or "
         "train "
         "again",
         not_numbers, n);
  }
  const auto distinct = sorted_distinct(excluded);
  for (const auto item : distinct) {
    if (item == target) return Metrics::never;
    if (scores[static_cast<std::size_t>(item)] >= bar) --at_or_above;
  }
  return at_or_above;  // the target itself is among those at its own score
}

Evaluation evaluate(const data::Dataset& data, const Scorer& scorer, const EvaluateOptions& options) {
  const NoGrad no_grad;
  const std::vector<std::int64_t> users = users_of(data, options.split, options.users);
  Evaluation result;
  double loss = 0;
  for (std::size_t first = 0; first < users.size();) {
    const std::size_t n = group_size(data, users, first, options, data.items() + 1);
    const auto group = std::span(users).subspan(first, n);
    const Tensor scores = scorer(group).contiguous();
    const auto width = static_cast<std::size_t>(data.items() + 1);
    std::vector<std::int64_t> ranks(n), targets(n);
    ParallelErrors errors;
#pragma omp parallel for schedule(static) if (n > 1)
    for (std::size_t i = 0; i < n; ++i) {
      errors.attempt([&] {
        targets[i] = data.target(group[i], options.split);
        ranks[i] = rank_of({scores.data<float>() + i * width, width}, static_cast<std::int32_t>(targets[i]),
                           masked_items(data, group[i], options.split, options.mask, options.max_length));
      });
    }
    errors.rethrow();
    for (const auto rank : ranks) result.add(rank);
    if (options.with_loss) {
      const Tensor mean = ops::raw::cross_entropy(scores, Tensor::from(targets));
      loss += static_cast<double>(mean.item<float>()) * static_cast<double>(n);
    }
    first += n;
  }
  if (options.with_loss) result.loss = loss / static_cast<double>(users.size());
  return result;
}

Evaluation evaluate(const data::Dataset& data, const model::Model& model, const EvaluateOptions& options) {
  const NoGrad no_grad;
  const std::vector<std::int64_t> users = users_of(data, options.split, options.users);
  Evaluation result;
  double loss = 0;
  for (std::size_t first = 0; first < users.size();) {
    const std::size_t n = group_size(data, users, first, options, /*scores=*/0, model.device());
    const auto group = std::span(users).subspan(first, n);
    std::vector<std::int64_t> targets;
    std::vector<bool> impossible;  // the target itself is excluded
    model::ExclusionList excluded;
    for (const auto user : group) {
      targets.push_back(data.target(user, options.split));
      const data::Items all = masked_items(data, user, options.split, options.mask, options.max_length);
      std::vector<std::int32_t> masked(all.begin(), all.end());
      impossible.push_back(std::erase(masked, static_cast<std::int32_t>(targets.back())) > 0);
      excluded.add(masked);
    }
    const Variable rows = user_rows(model, data, group, options.split, options.max_length);
    const auto [ranks, losses] =
        model.ranks(rows, Tensor::from(targets), excluded.classes(), options.with_loss);
    for (std::size_t i = 0; i < n; ++i) {
      result.add(impossible[i] ? Metrics::never : ranks.data<std::int64_t>()[i]);
    }
    if (options.with_loss) {
      for (const double value : losses.to(DType::f64).to_vector<double>()) loss += value;
    }
    first += n;
  }
  if (options.with_loss) result.loss = loss / static_cast<double>(users.size());
  return result;
}

Variable user_rows(const model::Model& model, const data::Dataset& data, std::span<const std::int64_t> users,
                   data::Split split, std::int64_t max_length) {
  return model.user_rows(
      data::to_tensors(data::pack_histories(data, users, split, model.input_length(max_length)), Device{}));
}

Scorer model_scorer(const model::Model& model, const data::Dataset& data, data::Split split,
                    std::int64_t max_length) {
  return [&model, &data, split, max_length](std::span<const std::int64_t> users) {
    const NoGrad no_grad;
    return model.predict(user_rows(model, data, users, split, max_length)).value().host();
  };
}

}  // namespace lrurec::eval
