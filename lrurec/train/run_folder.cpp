#include "lrurec/train/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "lrurec/util/json.h"
#include "lrurec/util/retry.h"
#include "lrurec/util/text.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

namespace fs = std::filesystem;
using util::retrying;

constexpr std::string_view evaluation_prefix = "evaluation-";
constexpr const char *metrics_log = "metrics.jsonl", *eigenvalue_log = "eigenvalues.jsonl";
constexpr const char* own_files[] = {"config.toml", "run.json", metrics_log, eigenvalue_log, "metrics.csv"};
constexpr const char* checkpoint_names[] = {"last", "previous", "best"};

/// Whether a folder is one that lrurec sweep -o names.
bool is_of_a_sweep(const fs::path& folder) { return fs::is_regular_file(folder / "sweep.json"); }

/// The first run of a sweep by its name, such as sweep/dropout=0.2/seed=1; empty where there is none.
fs::path first_run_of_sweep(const fs::path& sweep) {
  fs::path first;
  for (auto entry = fs::recursive_directory_iterator(sweep); entry != fs::recursive_directory_iterator();
       ++entry) {
    if (entry.depth() == 1) entry.disable_recursion_pending();
    const fs::path& folder = entry->path();
    if (entry.depth() == 1 && holds_run(folder) && (first.empty() || folder < first)) first = folder;
  }
  return first;
}

/// Whether a file is a run.json as lrurec train and import write it.
bool describes_run(const fs::path& file) {
  if (fs::symlink_status(file).type() != fs::file_type::regular) return false;
  const auto bytes = nn::read_file(file);
  const auto json = util::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const nlohmann::json::json_pointer version("/environment/lrurec");
  return json.is_object() && json.contains(version) && json.contains("fingerprint");
}

/// Whether a file of a run's names was left by a start that was killed before its first checkpoint. A start
/// makes checkpoints/ and an empty log, then run.json, then config.toml, then the checkpoint.
bool is_left_over(const fs::path& file) {
  const fs::path folder = file.parent_path(), checkpoints = folder / "checkpoints";
  if (fs::symlink_status(checkpoints).type() != fs::file_type::directory) return false;
  if (file.filename() == metrics_log) {
    return fs::symlink_status(file).type() == fs::file_type::regular && fs::file_size(file) == 0;
  }
  const bool described = describes_run(folder / "run.json");
  if (file != checkpoints) {
    return described && (file.filename() == "run.json" || file.filename() == "config.toml");
  }
  return std::all_of(fs::directory_iterator(checkpoints), fs::directory_iterator(), [&](const auto& entry) {
    const std::string name = entry.path().filename().string();
    return described &&
           (name == "next.ckpt" || (name.starts_with('.') && name.find(".ckpt.tmp.") != std::string::npos));
  });
}

/// Makes `previous` another name of `last`; false where the file system knows no links.
bool link_as_previous(const fs::path& last, const fs::path& previous) {
  // If this process is killed now, remove_stale_temporaries knows a file of this name as one to remove.
  const fs::path link =
      previous.parent_path() / fmt::format(".{}.tmp.{}", previous.filename().string(), ::getpid());
  std::error_code error;
  fs::remove(link, error);
  fs::create_hard_link(last, link, error);
  if (error) return false;
  nn::replace_file(link, previous);
  fs::remove(link, error);  // it is still there where `previous` was that very file
  return true;
}

void write_text(const fs::path& path, const std::string& text) {
  nn::write_file_atomically(path, {nn::as_bytes(text)});
}

nlohmann::json read_object(const fs::path& path) {
  const auto bytes = nn::read_file(path);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  auto json = util::parse_json({text, bytes.size()});
  if (!json.is_object()) {
    fail(ErrorKind::file, "{} is damaged: it holds no JSON object; put it back from a copy, or move it away",
         path.string());
  }
  return json;
}

}  // namespace

bool holds_run(const fs::path& folder) {
  return std::any_of(std::begin(checkpoint_names), std::end(checkpoint_names), [&](const std::string& name) {
    return fs::exists(folder / "checkpoints" / (name + ".ckpt"));
  });
}

void RunFolder::lock() {
  lock_ = std::make_shared<const util::FileLock>(
      path_,
      fmt::format("{} is being trained by another process; wait for it to end, or stop it", path_.string()));
}

RunFolder RunFolder::create(const fs::path& asked, std::string_view or_else) {
  RunFolder run(asked);
  const fs::path& folder = run.path_;
  const auto refuse_a_run = [&] {
    if (holds_run(folder)) {
      fail(ErrorKind::usage, "{} already holds a run; choose another folder with -o{}", folder.string(),
           or_else);
    }
  };
  refuse_a_run();
  if (is_of_a_sweep(folder)) {
    fail(ErrorKind::usage, "{} is the folder of a sweep; choose another folder with -o", folder.string());
  }
  if (fs::is_regular_file(folder)) {
    fail(ErrorKind::io, "{} is a file; choose another folder with -o", folder.string());
  }
  const fs::path checkpoints = folder / "checkpoints";
  if (fs::is_directory(folder)) {
    std::vector<fs::path> files = run.evaluation_files();
    for (const char* file : own_files) files.push_back(folder / file);
    files.push_back(checkpoints);
    for (const fs::path& file : files) {
      if (fs::exists(fs::symlink_status(file)) && !is_left_over(file)) {
        fail(ErrorKind::usage, "{} is there and belongs to no run; choose another folder with -o",
             file.string());
      }
    }
  }
  for (fs::path f = checkpoints; !f.empty() && !fs::exists(f); f = f.parent_path()) run.made_ = f;
  std::error_code error;
  fs::create_directories(checkpoints, error);
  if (error) {
    run.remove_made_folders();
    fail(ErrorKind::io, "cannot make the folder {}: {}", folder.string(), error.message());
  }
  run.lock();
  refuse_a_run();  // another may have been faster
  try {
    // Fail before the first step rather than at the first checkpoint.
    write_text(folder / metrics_log, "");
  } catch (...) {
    run.discard();
    throw;
  }
  return run;
}

RunFolder RunFolder::open(const fs::path& folder) {
  if (!fs::exists(folder / "run.json") || !holds_run(folder)) {
    if (fs::is_regular_file(folder)) {
      fail(ErrorKind::io, "{} is a file; name the folder of a run, which lrurec train DATA -o FOLDER makes",
           folder.string());
    }
    if (is_of_a_sweep(folder)) {
      const fs::path run = first_run_of_sweep(folder);
      fail(
          ErrorKind::io, "{} is the folder of a sweep; {}", folder.string(),
          run.empty() ? "it has no runs yet" : fmt::format("name one of its runs, such as {}", run.string()));
    }
    if (holds_run(folder)) {
      fail(ErrorKind::io, "{} holds checkpoints but has lost its run.json; put that back from a copy",
           folder.string());
    }
    fail(ErrorKind::io, "{} holds no run; make one with lrurec train DATA -o {}", folder.string(),
         folder.string());
  }
  return RunFolder(folder);
}

RunFolder RunFolder::open_to_train(const fs::path& folder) {
  RunFolder run = open(folder);
  run.lock();
  return run;
}

void RunFolder::discard() const {
  std::error_code ignored;
  for (const char* file : own_files) fs::remove(path_ / file, ignored);
  for (const std::string name : checkpoint_names) fs::remove(checkpoint(name), ignored);
  fs::remove(checkpoint("next"), ignored);
  remove_made_folders();
}

void RunFolder::remove_made_folders() const {
  // Folders that hold something else stay: remove() takes empty ones only.
  std::error_code ignored;
  if (made_.empty()) return;
  for (fs::path f = path_ / "checkpoints"; fs::remove(f, ignored), f != made_;) f = f.parent_path();
}

fs::path RunFolder::checkpoint(const std::string& name) const {
  return path_ / "checkpoints" / (name + ".ckpt");
}

fs::path RunFolder::data_path() const {
  const auto all = description();
  if (all.contains("data_bytes") && all["data_bytes"].is_array()) {
    std::string bytes;
    for (const auto& byte : all["data_bytes"]) {
      if (byte.is_number_unsigned()) bytes += static_cast<char>(byte.get<std::uint8_t>());
    }
    return bytes;
  }
  if (!all.contains("data") || !all["data"].is_string()) {
    fail(ErrorKind::file, "{} does not name the data set; give it with --data",
         (path_ / "run.json").string());
  }
  return all["data"].get<std::string>();
}

void RunFolder::name_data(nlohmann::json& description, const fs::path& data) {
  const std::string bytes = fs::absolute(data).string();
  description["data"] = bytes;
  description.erase("data_bytes");
  if (util::find_invalid_utf8(bytes) == std::string::npos) return;
  for (const char byte : bytes) description["data_bytes"].push_back(static_cast<unsigned char>(byte));
}

void RunFolder::write_config(const config::TrainConfig& config) const {
  write_text(path_ / "config.toml", config::to_toml(config));
}

void RunFolder::write_description(const nlohmann::json& description) const {
  write_text(path_ / "run.json", util::json_text(description, 2) + "\n");
}

nlohmann::json RunFolder::description() const { return read_object(path_ / "run.json"); }

void RunFolder::write_evaluation(const std::string& split, const nlohmann::json& result) const {
  write_text(path_ / ("evaluation-" + split + ".json"), util::json_text(result, 2) + "\n");
}

std::vector<fs::path> RunFolder::evaluation_files() const {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string file = entry.path().filename();
    if (file.starts_with(evaluation_prefix) && entry.path().extension() == ".json")
      files.push_back(entry.path());
  }
  return files;
}

std::map<std::string, nlohmann::json> RunFolder::evaluations() const {
  std::map<std::string, nlohmann::json> found;
  for (const fs::path& file : evaluation_files()) {
    found[file.stem().string().substr(evaluation_prefix.size())] = read_object(file);
  }
  return found;
}

void RunFolder::check_own(const Checkpoint& checkpoint, const std::string& path) const {
  const fs::path file = path_ / "config.toml";
  if (!fs::exists(file)) return;
  const auto bytes = nn::read_file(file);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto damaged = [&](const std::string& what) {
    fail(ErrorKind::file, "{}; the file is damaged: remove it, the checkpoints hold the settings too", what);
  };
  config::TrainConfig written;
  try {
    config::parse_saved(written, text, file.string());
  } catch (const Error& e) {
    damaged(e.what());
  }
  const config::TrainConfig own = checkpoint.parse_config(path);
  // The file was written with every setting, before any checkpoint. If it lacks some, it was cut off.
  const auto there = config::toml_lines(text);
  if (!there.contains("model") || written.model == own.model) {
    for (const auto& [key, line] : config::toml_lines(checkpoint.config)) {
      if (!there.contains(key)) damaged(fmt::format("{} has no {}", file.string(), key));
    }
  }
  const auto keys = config::differences(written, own);
  if (keys.empty()) return;
  fail(
      ErrorKind::file,
      "{}: its {} is not what {} says, so it is the checkpoint of another run; put this run's own checkpoint "
      "back",
      path, fmt::join(keys, ", "), file.string());
}

void RunFolder::append(const char* log, const nlohmann::json& line) const {
  retrying([&] { nn::append_to_file(path_ / log, util::json_text(line) + '\n'); });
}

void RunFolder::log(const nlohmann::json& line) const { append(metrics_log, line); }
void RunFolder::log_eigenvalues(const nlohmann::json& line) const { append(eigenvalue_log, line); }

std::vector<nlohmann::json> RunFolder::log_lines() const { return lines_of(metrics_log); }
std::vector<nlohmann::json> RunFolder::eigenvalue_lines() const { return lines_of(eigenvalue_log); }

std::vector<nlohmann::json> RunFolder::lines_of(const char* log) const {
  const fs::path file = path_ / log;
  std::vector<nlohmann::json> lines;
  if (!fs::exists(file)) return lines;
  const auto bytes = nn::read_file(file);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto json = util::parse_json(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool good = json.is_object() && json.contains("step") && json["step"].is_number_integer() &&
                      json.contains("split") && json["split"].is_string();
    if (good) {
      lines.push_back(std::move(json));
    } else if (!text.empty()) {
      fail(ErrorKind::file, "{}:{}: the line is damaged (no object with \"step\" and \"split\"); remove it",
           file.string(), number);
    }
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
  for (const auto& key : numbers) columns.push_back(util::csv_cell(key));
  std::string text = fmt::format("{}\n", fmt::join(columns, ","));
  for (const auto& line : lines) {
    text += fmt::format("{},{}", line["step"].dump(), util::csv_cell(line["split"].get<std::string>()));
    for (const auto& key : numbers) {
      text += ',';
      if (line.contains(key) && line[key].is_number()) text += line[key].dump();
    }
    text += '\n';
  }
  retrying([&] { write_text(path_ / "metrics.csv", text); });
}

void RunFolder::cut_log(std::int64_t step) const {
  for (const char* log : {metrics_log, eigenvalue_log}) {
    if (!fs::exists(path_ / log)) continue;
    std::string kept;
    for (const auto& line : lines_of(log)) {
      if (line["step"].get<std::int64_t>() <= step) kept += util::json_text(line) + '\n';
    }
    write_text(path_ / log, kept);
  }
}

void RunFolder::save_last(const Checkpoint& state) const {
  retrying([&] {
    const fs::path next = checkpoint("next"), last = checkpoint("last");
    state.save(next);
    const fs::path previous = checkpoint("previous");
    if (fs::exists(last) && !link_as_previous(last, previous)) nn::replace_file(last, previous);
    nn::replace_file(next, last);
  });
}

void RunFolder::save_best(const Checkpoint& state) const {
  retrying([&] { state.save(checkpoint("best")); });
}

RunFolder::Loaded RunFolder::load_last() const {
  if (lock_) {  // no one else writes
    nn::remove_stale_temporaries(path_);
    nn::remove_stale_temporaries(path_ / "checkpoints");
  }
  const fs::path last = checkpoint("last"), previous = checkpoint("previous");
  if (!fs::exists(last) && !fs::exists(previous)) {
    fail(ErrorKind::io, "{} has no last.ckpt to go on from; start the run again in another folder",
         path_.string());
  }
  Loaded loaded;
  try {
    loaded = {Checkpoint::load(last), last.string(), ""};
  } catch (const Error& e) {
    if (!fs::exists(previous)) throw;
    loaded = {Checkpoint::load(previous), previous.string(),
              fmt::format("{}; going on from {} instead", e.what(), previous.string())};
    // Otherwise the next save would make the damaged last.ckpt the previous one, in the place of the whole
    // one.
    if (lock_ && e.kind() == ErrorKind::file && fs::exists(last))
      nn::replace_file(last, checkpoint("damaged"));
  }
  check_own(loaded.checkpoint, loaded.path);
  return loaded;
}

Checkpoint RunFolder::load(const std::string& name) const {
  const std::string path = checkpoint(name).string();
  Checkpoint loaded = Checkpoint::load(path);
  check_own(loaded, path);
  return loaded;
}

}  // namespace lrurec::train
