#include "lrurec/eval/sampled.h"

#include <algorithm>
#include <cmath>

#include "lrurec/data/negatives.h"
#include "ops/ops.h"
#include "tensor/error.h"
#include "tensor/parallel_errors.h"

namespace lrurec::eval {
namespace {

data::Items input_of(const data::Dataset& data, std::int64_t user, const SampledEvaluateOptions& options) {
  const data::Items history = data.history(user, options.split);
  return history.last(std::min(history.size(), static_cast<std::size_t>(options.max_length)));
}

std::size_t group_size(const data::Dataset& data, std::span<const std::int64_t> users,
                       const SampledEvaluateOptions& options) {
  if (options.users_at_once > 0)
    return std::min(users.size(), static_cast<std::size_t>(options.users_at_once));
  constexpr std::int64_t most_scores = std::int64_t{4} << 20, most_tokens = 16384;
  const std::int64_t width = 1 + std::min(options.negatives, data.items());
  std::int64_t tokens = 0;
  std::size_t n = 0;
  for (; n < users.size(); ++n) {
    tokens += std::ssize(input_of(data, users[n], options));
    if (n > 0 && (tokens > most_tokens || static_cast<std::int64_t>(n + 1) * width > most_scores)) break;
  }
  return n;
}

/// The target, then its candidates. A masked target is there too, since its loss counts.
std::vector<std::int64_t> candidates_of_user(const data::Dataset& data, std::int64_t user,
                                             const SampledEvaluateOptions& options) {
  const data::Items masked = masked_items(data, user, options.split, options.mask, options.max_length);
  const std::int32_t target = data.target(user, options.split);
  std::vector<std::int64_t> candidates{target};
  std::vector<std::int32_t> excluded(masked.begin(), masked.end());
  excluded.push_back(target);
  const std::uint64_t key =
      2 * static_cast<std::uint64_t>(user) + (options.split == data::Split::test ? 1 : 0);
  const auto drawn = data::draw_candidates(options.seed, key, options.negatives, data.items(), excluded);
  candidates.insert(candidates.end(), drawn.begin(), drawn.end());
  return candidates;
}

double cross_entropy(std::span<const float> scores) {
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float s : scores) sum += std::exp(static_cast<double>(s) - top);
  return top + std::log(sum) - static_cast<double>(scores[0]);
}

}  // namespace

std::int64_t sampled_rank(std::span<const float> scores) {
  std::int64_t rank = 0;
  for (const float score : scores) {
    if (std::isnan(score)) {
      fail(ErrorKind::non_finite,
           "a score is not a number, so the model's weights are broken; use another checkpoint, or train "
           "again");
    }
    rank += score >= scores[0] ? 1 : 0;  // the target itself is one of them
  }
  return rank;
}

void check_negatives(std::int64_t negatives, std::int64_t items) {
  if (negatives > items) {
    fail(ErrorKind::usage, "eval_negatives = {} of {} items; set it lower, or to 0 to rank all of them",
         negatives, items);
  }
}

Evaluation evaluate_sampled(const data::Dataset& data, const CandidateScorer& scorer,
                            const SampledEvaluateOptions& options) {
  if (options.negatives < 1) fail(ErrorKind::internal, "a sampled evaluation needs at least one negative");
  const NoGrad no_grad;
  const std::vector<std::int64_t> users = users_of(data, options.split, options.users);
  check_negatives(options.negatives, data.items());
  Evaluation result;
  result.sampled = options.negatives;
  double loss = 0;
  for (std::size_t first = 0; first < users.size();) {
    const std::size_t n = group_size(data, std::span(users).subspan(first), options);
    const auto group = std::span(users).subspan(first, n);
    std::vector<std::vector<std::int64_t>> lists(n);
    ParallelErrors errors;
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < n; ++i) {
      errors.attempt([&] { lists[i] = candidates_of_user(data, group[i], options); });
    }
    errors.rethrow();
    std::size_t width = 0;
    for (const auto& list : lists) width = std::max(width, list.size());
    // Shorter lists end in start tokens, which are scored and not looked at.
    std::vector<std::int64_t> ids(n * width);
    for (std::size_t i = 0; i < n; ++i)
      std::copy(lists[i].begin(), lists[i].end(), ids.begin() + static_cast<std::ptrdiff_t>(i * width));
    const Tensor scores =
        scorer(group, Tensor::from(ids, {std::ssize(group), static_cast<std::int64_t>(width)})).contiguous();
    for (std::size_t i = 0; i < n; ++i) {
      const std::span<const float> own(scores.data<float>() + i * width, lists[i].size());
      const std::int64_t rank = sampled_rank(own);
      const auto masked = masked_items(data, group[i], options.split, options.mask, options.max_length);
      const bool excluded =
          std::find(masked.begin(), masked.end(), data.target(group[i], options.split)) != masked.end();
      result.add(excluded ? Metrics::never : rank);
      if (options.with_loss) loss += cross_entropy(own);
    }
    first += n;
  }
  if (options.with_loss) result.loss = loss / static_cast<double>(users.size());
  return result;
}

CandidateScorer model_candidate_scorer(const model::Model& model, const data::Dataset& data,
                                       data::Split split, std::int64_t max_length) {
  return [&model, &data, split, max_length](std::span<const std::int64_t> users, const Tensor& candidates) {
    const NoGrad no_grad;
    return model.score(user_rows(model, data, users, split, max_length).value(), candidates).host();
  };
}

}  // namespace lrurec::eval
