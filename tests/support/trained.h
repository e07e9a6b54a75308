#pragma once
// A small training, and what it has left in its folder, without what depends on the clock.

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "lrurec/train/run_folder.h"
#include "nn/serialization/archive.h"

namespace lrurec::test {

/// A model of a few hundred numbers, for small_demo().
inline config::TrainConfig tiny_config() {
  config::TrainConfig config;
  config.hidden = 8;
  config.channels = 12;
  config.max_length = 6;
  config.batch_size = 16;
  return config;
}

/// Lines of metrics.jsonl.
inline std::vector<nlohmann::json> metrics(const std::filesystem::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream in(run / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("step_seconds");
  }
  return lines;
}

/// Bytes of weights and optimiser, and the progress, as they were saved last.
inline std::vector<std::byte> saved_state(const train::RunFolder& run) {
  auto checkpoint = train::Checkpoint::load(run.checkpoint("last"));
  checkpoint.config.clear();
  return nn::to_bytes(checkpoint);
}

}  // namespace lrurec::test
