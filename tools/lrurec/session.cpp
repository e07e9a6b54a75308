// lrurec session: events in, recommendations out, one line each.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>

#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/session_store.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/util/file_lock.h"
#include "lrurec/util/json.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/module_file.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/request_lines.h"
#include "tools/lrurec/setting_flags.h"
#include "tools/lrurec/signals.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

struct SessionOptions {
  std::string run, data, checkpoint = "best", device = "cpu", state;
  std::int64_t k = 10, threads = 0;
  double save_every = 60;
  bool include_seen = false;
};

struct Event {
  std::string user, item;
  std::int64_t k;
};

std::string raw_id(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  throw std::invalid_argument(fmt::format("{} is no id", util::printable(util::json_text(value))));
}

/// {"user": ID, "item": ID, "k": 5}, or a raw item id alone: the user has then no name.
Event parse(const std::string& line, std::int64_t k) {
  if (line.front() != '{') return {"", line, k};
  const auto json = util::parse_json(line);
  if (json.is_discarded()) throw std::invalid_argument("this is not JSON");
  if (!json.contains("item")) throw std::invalid_argument("there is no \"item\"");
  Event event{json.contains("user") ? raw_id(json["user"]) : "", raw_id(json["item"]), k};
  if (json.contains("k")) {
    const bool whole = json["k"].is_number_unsigned();
    if (!whole) throw std::invalid_argument("\"k\" is not a whole number from 0 on");
    event.k = static_cast<std::int64_t>(std::min(json["k"].get<std::uint64_t>(), std::uint64_t{INT64_MAX}));
  }
  return event;
}

/// The users' states and the file they are kept in.
class KeptSessions {
 public:
  KeptSessions(serve::SessionStore& store, const SessionOptions& options)
      : store_(store), path_(options.state), interval_(options.save_every) {
    if (path_.empty()) return;
    // A lock file beside it: the file itself is replaced by each save. Making it also shows before the first event
    // whether the folder can be written.
    const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
    lock_.emplace(folder / ("." + path_.filename().string() + ".lock"),
                  fmt::format("{} is in use by another session; end it, or keep these states in another file",
                              path_.string()));
    nn::remove_stale_temporaries(folder);
    if (std::filesystem::exists(path_)) {
      store_.load(path_);
      note("sessions loaded from {}: {}", path_.string(), with_commas(static_cast<std::int64_t>(store_.users())));
    }
    save();
  }

  void changed() { changed_ = true; }
  /// Where the last save is long enough ago: of many users' states a save takes seconds, and the stream waits.
  void save_at_intervals() {
    if (!changed_ || Clock::now() - saved_ < std::max(interval_, 20 * took_)) return;
    try {
      save();
    } catch (const Error& e) {  // a full disk may have space again before the stream ends
      if (e.kind() != ErrorKind::io) throw;
      warn("warning: {}; the states are still kept in memory", e.what());
      saved_ = Clock::now();
    }
  }
  void save() {
    if (path_.empty()) return;
    const auto start = Clock::now();
    store_.save(path_);
    changed_ = false;
    saved_ = Clock::now();
    took_ = saved_ - start;
  }

 private:
  using Clock = std::chrono::steady_clock;
  serve::SessionStore& store_;
  std::filesystem::path path_;
  std::chrono::duration<double> interval_;
  std::optional<util::FileLock> lock_;
  bool changed_ = false;
  Clock::time_point saved_{};
  std::chrono::duration<double> took_{0};
};

nlohmann::json answer(const Event& event, const serve::Catalogue& catalogue, serve::SessionStore& store,
                      KeptSessions& kept, bool include_seen) {
  nlohmann::json out = nlohmann::json::object();
  if (!event.user.empty()) out["user"] = event.user;
  const auto item = catalogue.item(event.item);
  if (!item) {
    out["error"] =
        fmt::format("item '{}' is not in the data set (whose first is '{}'); the event was left out",
                    util::printable(event.item), catalogue.item_name(1));
    out["events"] = store.events(event.user);
    return out;
  }
  store.observe(event.user, *item);
  kept.changed();
  out["events"] = store.events(event.user);
  out["items"] = nlohmann::json::array();
  if (event.k == 0) return out;
  out["seen"] = seen_text(include_seen);
  for (const auto& [id, score] : store.recommend(event.user, event.k)) {
    out["items"].push_back({{"item", catalogue.item_name(id)}, {"score", score}});
  }
  return out;
}

/// Answers line after line; the number of those that could not be used. A bad line ends nothing.
std::int64_t answer_all(const SessionOptions& options, const serve::Catalogue& catalogue,
                        serve::SessionStore& store, KeptSessions& kept) {
  using Got = RequestLines::Got;
  RequestLines in("-");
  std::int64_t failed = 0;
  std::string line;
  while (interrupted_by() == 0) {
    const Got got = in.next(line, std::chrono::milliseconds(250));
    if (got == Got::end) break;
    if (got != Got::nothing) {
      nlohmann::json out;
      try {
        if (got == Got::too_long) throw std::invalid_argument("a line of more than 1 MiB");
        out = answer(parse(line, options.k), catalogue, store, kept, options.include_seen);
      } catch (const std::invalid_argument& e) {
        out["error"] = e.what();
      }
      failed += out.contains("error") ? 1 : 0;
      print_json(out, -1);
      if (flush_output() != 0) break;  // the reader is gone: the states are kept all the same
    }
    kept.save_at_intervals();
  }
  return failed;
}

void run_session(const SessionOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const NoGrad no_grad;
  const train::LoadedRun loaded = train::load_run(
      {options.run, options.data, options.checkpoint, require_device(Device::parse(options.device))});
  const serve::Catalogue catalogue(loaded.data);
  const model::IncrementalModel model(*loaded.model);
  const std::string weights = nn::fingerprint(nn::to_bytes(nn::to_records(*loaded.model)));
  serve::SessionStore store(model, weights, !options.include_seen);
  remember_signals();  // an interrupted stream is saved too
  KeptSessions kept(store, options);
  std::int64_t failed = 0;
  try {
    failed = answer_all(options, catalogue, store, kept);
  } catch (...) {
    kept.save();  // whatever ended the stream, out of memory too
    throw;
  }
  kept.save();
  if (failed > 0) fail(ErrorKind::data, "{} events were left out; their lines on stdout say why", failed);
}

}  // namespace

void add_session(CLI::App& app) {
  auto options = std::make_shared<SessionOptions>();
  CLI::App* sub = app.add_subcommand(
      "session", "Events on standard input, one JSON line of recommendations out for each");
  sub->footer(
      "A line in is {\"user\": ID, \"item\": ID} (and \"k\"), or a raw item id alone. An event takes the same time "
      "after ten\nevents as after ten thousand. A line that cannot be used is answered by {\"error\": ...} and passed "
      "over.");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("-k", options->k, "how many items after each event (default 10, 0: none)")
      ->check(CLI::Range(0, 1000000));
  sub->add_option("--state", options->state,
                  "file of the users' states: read at the start if it is there, written at intervals and at the end");
  sub->add_option("--save-every", options->save_every,
                  "seconds between saves of the states (default 60); a kill -9 or a crash of the machine loses no more")
      ->check(number_between(0, 1e6));
  add_seen_flags(*sub, options->include_seen);
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->callback([options] { run_session(*options); });
}

}  // namespace lrurec::command
