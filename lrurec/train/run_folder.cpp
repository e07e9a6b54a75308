#include "lrurec/train/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

namespace fs = std::filesystem;

bool holds_run(const fs::path& folder) {
  return fs::exists(folder / "config.toml") || fs::exists(folder / "run.json") ||
         fs::exists(folder / "checkpoints");
}

void write_text(const fs::path& path, const std::string& text) {
  nn::write_file_atomically(path, {nn::as_bytes(text)});
}

nlohmann::json read_object(const fs::path& path) {
  const auto bytes = nn::read_file(path);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  auto json = nlohmann::json::parse(text, text + bytes.size(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) fail(ErrorKind::file, "{} is damaged", path.string());
  return json;
}

/// A full disk may have space again a moment later; the old files are whole in the meantime.
template <class F>
void retrying(F&& f) {
  for (const int seconds : {1, 3}) {
    try {
      return f();
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::io) throw;
      std::this_thread::sleep_for(std::chrono::seconds(seconds));
    }
  }
  f();
}

}  // namespace

RunFolder RunFolder::create(const fs::path& folder) {
  if (holds_run(folder)) {
    fail(ErrorKind::usage,
         "{} already holds a run; continue it with --resume or choose another folder with -o",
         folder.string());
  }
  std::error_code error;
  fs::create_directories(folder / "checkpoints", error);
  if (error) fail(ErrorKind::io, "cannot make the folder {}: {}", folder.string(), error.message());
  // Fail before the first step rather than at the first checkpoint.
  write_text(folder / "metrics.jsonl", "");
  return RunFolder(folder);
}

RunFolder RunFolder::open(const fs::path& folder) {
  if (!fs::exists(folder / "run.json")) {
    fail(ErrorKind::io, "{} holds no run; make one with lrurec train DATA -o {}", folder.string(),
         folder.string());
  }
  return RunFolder(folder);
}

fs::path RunFolder::checkpoint(const std::string& name) const {
  return path_ / "checkpoints" / (name + ".ckpt");
}

fs::path RunFolder::data_path() const {
  const auto all = description();
  if (!all.contains("data") || !all["data"].is_string()) {
    fail(ErrorKind::file, "{} does not name the data set; give it with --data",
         (path_ / "run.json").string());
  }
  return all["data"].get<std::string>();
}

void RunFolder::write_config(const config::TrainConfig& config) const {
  write_text(path_ / "config.toml", config::to_toml(config));
}

void RunFolder::write_description(const nlohmann::json& description) const {
  write_text(path_ / "run.json", description.dump(2) + "\n");
}

nlohmann::json RunFolder::description() const { return read_object(path_ / "run.json"); }

void RunFolder::write_evaluation(const std::string& split, const nlohmann::json& result) const {
  write_text(path_ / ("evaluation-" + split + ".json"), result.dump(2) + "\n");
}

std::map<std::string, nlohmann::json> RunFolder::evaluations() const {
  constexpr std::string_view prefix = "evaluation-", suffix = ".json";
  std::map<std::string, nlohmann::json> found;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string file = entry.path().filename();
    if (!file.starts_with(prefix) || !file.ends_with(suffix)) continue;
    found[file.substr(prefix.size(), file.size() - prefix.size() - suffix.size())] =
        read_object(entry.path());
  }
  return found;
}

void RunFolder::log(const nlohmann::json& line) const {
  const fs::path file = path_ / "metrics.jsonl";
  std::ofstream out(file, std::ios::app);
  out << line.dump() << '\n' << std::flush;
  out.close();
  if (!out) fail(ErrorKind::io, "cannot write {}", file.string());
}

std::vector<nlohmann::json> RunFolder::log_lines() const {
  std::ifstream in(path_ / "metrics.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) {
    auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("step")) lines.push_back(std::move(json));
  }
  return lines;
}

void RunFolder::write_metrics_table() const {
  const std::vector<nlohmann::json> lines = log_lines();
  std::vector<std::string> columns{"step", "split"};
  std::set<std::string> numbers;
  for (const auto& line : lines) {
    for (const auto& [key, value] : line.items()) {
      if (value.is_number() && key != "step") numbers.insert(key);
    }
  }
  columns.insert(columns.end(), numbers.begin(), numbers.end());
  std::string text = fmt::format("{}\n", fmt::join(columns, ","));
  for (const auto& line : lines) {
    text += fmt::format("{},{}", line["step"].dump(), line.value("split", ""));
    for (const auto& key : numbers) text += "," + (line.contains(key) ? line[key].dump() : "");
    text += '\n';
  }
  write_text(path_ / "metrics.csv", text);
}

void RunFolder::cut_log(std::int64_t step) const {
  std::string kept;
  for (const auto& line : log_lines()) {
    if (line.value("step", std::int64_t{-1}) <= step) kept += line.dump() + '\n';
  }
  write_text(path_ / "metrics.jsonl", kept);
}

void RunFolder::save_last(const Checkpoint& state) const {
  retrying([&] {
    const fs::path next = checkpoint("next"), last = checkpoint("last");
    state.save(next);
    std::error_code error;
    if (fs::exists(last)) fs::rename(last, checkpoint("previous"), error);
    if (!error) fs::rename(next, last, error);
    if (error) fail(ErrorKind::io, "cannot replace {}: {}", last.string(), error.message());
  });
}

void RunFolder::save_best(const Checkpoint& state) const {
  retrying([&] { state.save(checkpoint("best")); });
}

RunFolder::Loaded RunFolder::load_last() const {
  nn::remove_stale_temporaries(path_ / "checkpoints");
  const fs::path last = checkpoint("last"), previous = checkpoint("previous");
  if (!fs::exists(last) && !fs::exists(previous)) {
    fail(ErrorKind::io, "{} holds no checkpoint yet; start the run again in another folder", path_.string());
  }
  try {
    return {Checkpoint::load(last), last.string(), ""};
  } catch (const Error& e) {
    if (!fs::exists(previous)) throw;
    return {Checkpoint::load(previous), previous.string(),
            fmt::format("{}; going on from {} instead", e.what(), previous.string())};
  }
}

}  // namespace lrurec::train
