#pragma once
// A page about one or several runs: one HTML file that needs nothing else, neither network nor server.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lrurec/train/run_folder.h"

namespace lrurec::report {

/// What a run's folder tells, as far as it is there; the data set file is not read:
///
///   name, command, environment, fingerprint       from run.json
///   progress     {step, best_step, best, finished}  of the last checkpoint
///   settings     [{key, value, help}]
///   training, validation                          lines of metrics.jsonl
///   eigenvalues  [{trained, initial: [[re, im]], mean_abs, half_life, published}] of the blocks; no
///                `initial` where the weights were imported
///   evaluations  {"test": ...}                    what evaluate wrote
///
/// A run without any checkpoint is ErrorKind::io, a damaged file ErrorKind::file.
nlohmann::json describe(const train::RunFolder& run);

/// The page: markup, style, script and chart library around what `runs` say. Text of theirs cannot become
/// markup.
std::string page(const std::vector<nlohmann::json>& runs);

}  // namespace lrurec::report
