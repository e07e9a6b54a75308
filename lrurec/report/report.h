#pragma once
// Pages about runs: one HTML file each that needs nothing else, neither network nor server.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lrurec/train/run_folder.h"

namespace lrurec::report {

/// What a run's folder tells, as far as it is there; the data set file is not read:
///
///   name; about: command, environment, fingerprint   from run.json
///   model        as papers write it: "LRURec", which is also its row in evaluations
///   progress     {step, best_step, best, finished}  of the last checkpoint
///   settings     [{key, value, help}]
///   training, validation                          lines of metrics.jsonl
///   eigenvalues  [{trained, initial: [[re, im]], mean_abs, half_life, published}] of the blocks; no
///                `initial` where the weights were imported
///   evaluations  {"test": ...}                    what evaluate wrote; with best_step or last_step where
///                the weights of that name are of another step by now
///   warning      why previous.ckpt is read instead of last.ckpt; only where it is
///
/// A run without any checkpoint is ErrorKind::io, a damaged file ErrorKind::file.
nlohmann::json describe(const train::RunFolder& run);

/// Where folders have equal names, gives the runs as much of their paths as tells them apart.
void name_apart(std::vector<nlohmann::json>& runs, const std::vector<std::filesystem::path>& folders);

/// The page: markup, style, script and chart library around what `runs` say. Text of theirs cannot become
/// markup.
std::string page(const std::vector<nlohmann::json>& runs);

/// The same of a table or figure of the paper beside ours: what reproduce::outcome gives.
std::string reproduction_page(const nlohmann::json& outcome);

}  // namespace lrurec::report
