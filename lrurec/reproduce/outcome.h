#pragma once
// The paper's table beside ours.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "lrurec/reproduce/plan.h"

namespace lrurec::reproduce {

/// What was found out about runs, by their folders.
struct Findings {
  std::map<std::filesystem::path, nlohmann::json> tests;  ///< what `lrurec evaluate --json` says
  std::map<std::string, nlohmann::json> incremental;      ///< of a variant: `lrurec bench incremental --json`
};

/// All that the page and the tables on a terminal say. What is not there was not run, or the paper does not
/// print it.
///
///   name, title, note, kind, seeds, max_steps
///   data         [{name, title, file, source, fingerprint, generated, the_papers, users, items, protocol}]
///   rows         [{data, variant, title, metric, paper, value, values, deviation, interval,
///                 difference_percent}]
///   runs         [{data, variant, seed, folder, steps, best_step, ended, seconds, error}]
///   curves       [{data, variant, title, metric, points: [{step, seconds, value}]}]
///   axes         [{setting, variants}] of figure 4
///   incremental  {variant: ...} of figure 1
///
/// value: mean of `values`, one for each seed, at the best validation step. deviation: over seeds.
/// interval: 95% of resamplings of the users, mean over seeds. difference_percent: 100 (value / paper - 1).
/// curves: validation of the first seed. seconds: of training steps, without validation.
nlohmann::json outcome(const Plan& plan, const Findings& findings);

}  // namespace lrurec::reproduce
