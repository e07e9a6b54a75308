#pragma once
// The paper's table beside ours.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "lrurec/reproduce/plan.h"

namespace lrurec::reproduce {

/// What was found out about runs, by their folders.
struct Findings {
  std::map<std::filesystem::path, nlohmann::json> tests;          ///< what `lrurec evaluate --json` says
  std::map<std::filesystem::path, std::vector<double>> mean_abs;  ///< of each block's eigenvalues
  std::map<std::string, nlohmann::json> incremental;  ///< of a variant: `lrurec bench incremental --json`
};

/// The test that a finished run's folder keeps. It counts only if it is of the run's best step and candidates
/// and has all that outcome() looks at; a damaged file, or one of another run, is none.
std::optional<nlohmann::json> kept_test(const Artifact& artifact, const sweep::Run& run);
/// Whether `events` has what outcome() and the page look at.
bool is_incremental(const nlohmann::json& events);
/// The mean |lambda| of each block of the best checkpoint; errors as RunFolder::load and load_model.
std::vector<double> mean_abs_of_blocks(const sweep::Run& run);

/// All that the page and the tables on a terminal say. An entry that is absent was not run, or is not printed
/// in the paper.
///
///   name, title, note, kind, metrics, seeds, max_steps
///   data         [{name, title, file, source, fingerprint, generated, the_papers, users, items, protocol}]
///   rows         [{data, variant, title, metric, paper, value, values, wanted, deviation, interval,
///                 difference_percent}]
///   runs         [{data, variant, seed, folder, steps, best_step, ended, seconds, trained, error}]
///   curves       [{data, variant, title, metric, points: [{step, seconds, value}]}]
///   axes         [{setting, variants}] of figure 4
///   incremental  {variant: ...} of figure 1
///
///   value               mean of `values`, one for each seed, at the best validation step
///   wanted              the number of seeds, only if some have no value; there is no difference_percent then
///   deviation           over seeds
///   interval            95% of resamplings of the users, mean of the seeds' intervals
///   difference_percent  100 (value / paper - 1)
///   curves              validation of the first seed
///   seconds             of training steps, without validation; steps that are not in the log count as the
///                       logged ones beside them; absent for a run that has logged none
///   trained             of figure 1: how a run's training differs from what is asked for, such as
///                       "with 2 threads, not 1"
nlohmann::json outcome(const Plan& plan, const Findings& findings);

}  // namespace lrurec::reproduce
