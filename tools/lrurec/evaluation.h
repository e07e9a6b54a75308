#pragma once
// The evaluation that `evaluate` prints and `compare` compares: a run's model beside the baselines.

#include <optional>
#include <vector>

#include "lrurec/eval/sampled.h"
#include "lrurec/train/loaded_run.h"

namespace lrurec::command {

struct EvaluationOptions {
  data::Split split = data::Split::test;
  std::optional<eval::Mask> mask;                     ///< instead of the run's setting
  std::optional<std::int64_t> negatives;              ///< instead of the run's setting; 0: all items
  std::optional<std::uint64_t> candidates_seed = {};  ///< of the negatives, instead of the run's seed
  bool baselines = true;
};

struct EvaluationRow {
  std::string name;
  eval::Evaluation evaluation;
};

struct RunEvaluation {
  eval::ProtocolCard card;
  std::vector<EvaluationRow> rows;  ///< the first is the model, with its loss
};

data::Split parse_split(const std::string& text);
RunEvaluation evaluate_run(const train::LoadedRun& run, EvaluationOptions options);

}  // namespace lrurec::command
