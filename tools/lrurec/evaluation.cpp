#include "tools/lrurec/evaluation.h"

#include "lrurec/eval/baselines.h"
#include "lrurec/model/models.h"
#include "tensor/error.h"

namespace lrurec::command {
namespace {

std::vector<EvaluationRow> rank_all(const train::LoadedRun& run, const EvaluationOptions& options) {
  eval::EvaluateOptions plain{.split = options.split, .max_length = run.config.max_length};
  plain.mask = *options.mask;
  eval::EvaluateOptions with_loss = plain;
  with_loss.with_loss = true;
  std::vector<EvaluationRow> rows{{run.model->info().title, eval::evaluate(run.data, *run.model, with_loss)}};
  if (!options.baselines) return rows;
  rows.push_back(
      {"last-item Markov", eval::evaluate(run.data, eval::markov_scorer(run.data, options.split), plain)});
  rows.push_back({"popularity", eval::evaluate(run.data, eval::popularity_scorer(run.data), plain)});
  return rows;
}

std::vector<EvaluationRow> rank_sampled(const train::LoadedRun& run, const EvaluationOptions& options,
                                        std::int64_t negatives) {
  eval::SampledEvaluateOptions plain{
      .split = options.split,
      .max_length = run.config.max_length,
      .negatives = negatives,
      .seed = options.candidates_seed.value_or(static_cast<std::uint64_t>(run.config.seed))};
  plain.mask = *options.mask;
  eval::SampledEvaluateOptions with_loss = plain;
  with_loss.with_loss = true;
  const auto model = eval::model_candidate_scorer(*run.model, run.data, options.split, run.config.max_length);
  std::vector<EvaluationRow> rows{
      {run.model->info().title, eval::evaluate_sampled(run.data, model, with_loss)}};
  if (!options.baselines) return rows;
  rows.push_back(
      {"last-item Markov",
       eval::evaluate_sampled(run.data, eval::markov_candidate_scorer(run.data, options.split), plain)});
  rows.push_back(
      {"popularity", eval::evaluate_sampled(run.data, eval::popularity_candidate_scorer(run.data), plain)});
  return rows;
}

}  // namespace

data::Split parse_split(const std::string& text) {
  if (text == "val" || text == "validation") return data::Split::validation;
  if (text == "test") return data::Split::test;
  fail(ErrorKind::usage, "--split must be val or test, not '{}'", text);
}

RunEvaluation evaluate_run(const train::LoadedRun& run, EvaluationOptions options) {
  if (!options.mask) options.mask = eval::parse_mask(run.config.mask);
  std::int64_t negatives = options.negatives.value_or(run.config.eval_negatives);
  if (negatives == run.data.items()) --negatives;  // one of them is the target
  auto rows = negatives > 0 ? rank_sampled(run, options, negatives) : rank_all(run, options);
  const std::int64_t users = rows[0].evaluation.metrics.users();
  return {{run.data, options.split, *options.mask, run.config.max_length, negatives, users}, std::move(rows)};
}

}  // namespace lrurec::command
