// lrurec session: events in, recommendations out, one line each.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/event_line.h"
#include "lrurec/serve/session_store.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/util/file_lock.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/atomic_file.h"
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
  bool include_seen = false, with_history = false, ignore_unknown = false;
};

/// The users' states and the file they are kept in.
class KeptSessions {
 public:
  KeptSessions(serve::SessionStore& store, const SessionOptions& options)
      : store_(store), path_(options.state), interval_(options.save_every) {
    if (path_.empty()) return;
    // A lock file beside it: the file itself is replaced by each save. Making it also shows before the first
    // event whether the folder can be written.
    const std::filesystem::path place = nn::followed(path_);  // what each save replaces
    const std::filesystem::path folder = place.has_parent_path() ? place.parent_path() : ".";
    lock_.emplace(folder / ("." + place.filename().string() + ".lock"),
                  fmt::format("{} is in use by another session; end it, or keep these states in another file",
                              path_.string()));
    if (std::filesystem::exists(path_)) {
      store_.load(path_);
      note("sessions loaded from {}: {}", path_.string(),
           with_commas(static_cast<std::int64_t>(store_.users())));
    }
    save();
  }

  void changed() { changed_ = true; }
  /// Saves if the last save is long enough ago. With many users a save takes seconds, and the stream waits.
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

/// Answers line after line, those that wait already together. Returns how many could not be used; a bad line
/// does not end the stream.
std::int64_t answer_all(RequestLines& in, const SessionOptions& options, const serve::Catalogue& catalogue,
                        serve::SessionStore& store, KeptSessions& kept) {
  using Got = RequestLines::Got;
  constexpr std::size_t most_lines = 256, most_bytes = std::size_t{1} << 20;
  std::int64_t failed = 0;
  std::string line;
  const auto save_meanwhile = [&] { kept.save_at_intervals(); };
  while (interrupted_by() == 0) {
    std::vector<std::string> lines;
    std::size_t bytes = 0;
    Got got = in.next(line, std::chrono::milliseconds(250));
    while (got == Got::line) {
      bytes += line.size();
      lines.push_back(line);
      if (lines.size() == most_lines || bytes > most_bytes) break;
      got = in.next(line, std::chrono::milliseconds(0));
    }
    serve::answer_events(lines, {options.k, options.ignore_unknown}, catalogue, store,
                         [&](const serve::EventAnswer& answer) {
                           if (answer.failed) {
                             ++failed;
                           } else {
                             kept.changed();
                           }
                           write_out(answer.line + "\n", save_meanwhile);
                         });
    if (got == Got::too_long) {
      ++failed;
      write_out("{\"error\":\"a line of more than 1 MiB\"}\n", save_meanwhile);
    }
    // Without a reader the stream ends here; the caller saves the states all the same.
    if (flush_output(save_meanwhile) != 0 || got == Got::end) break;
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
  serve::SessionStore::Histories histories;
  if (options.with_history) {
    histories = [&data = loaded.data](std::int64_t number) { return data.sequence(number - 1); };
  }
  serve::SessionStore store(model, weights, !options.include_seen, histories,
                            loaded.model->input_length(loaded.config.max_length));
  remember_signals();  // an interrupted stream is saved too
  KeptSessions kept(store, options);
  RequestLines in("-");
  std::int64_t failed = 0;
  try {
    failed = answer_all(in, options, catalogue, store, kept);
  } catch (...) {
    kept.save();  // whatever ended the stream, out of memory too
    throw;
  }
  kept.save();
  const std::string left_out = fmt::format("{} {} left out; the lines on stdout say why",
                                           counted(failed, "event"), failed == 1 ? "was" : "were");
  if (interrupted_by() != 0) {  // the exit code is the signal's
    if (failed > 0) warn("warning: {}", left_out);
    return;
  }
  in.check();
  if (failed > 0) fail(ErrorKind::data, "{}", left_out);
}

}  // namespace

void add_session(CLI::App& app) {
  auto options = std::make_shared<SessionOptions>();
  CLI::App* sub = app.add_subcommand(
      "session", "Events on standard input, one JSON line of recommendations out for each");
  sub->footer(
      "A line in is {\"user\": ID, \"item\": ID} (and \"k\"), or a raw item id alone. An event takes the "
      "same time "
      "after ten\nevents as after ten thousand. A line that cannot be used is answered by {\"error\": ...} "
      "and passed "
      "over; the exit code at the end is then 3.");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("-k", options->k, "how many items after each event (default 10, 0: none)")
      ->check(CLI::Range(0, 1000000));
  sub->add_option(
      "--state", options->state,
      "file of the users' states: read at the start if it is there, written at intervals and at the end");
  sub->add_option("--save-every", options->save_every,
                  "seconds between saves of the states (default 60), or twenty times what a save takes where "
                  "that is more; a kill -9 or a crash of the machine loses no more")
      ->check(number_between(0, 1e6));
  add_seen_flags(*sub, options->include_seen);
  sub->add_flag(
      "--with-history", options->with_history,
      "users of the data set begin with their history in it; default: everybody begins with nothing");
  sub->add_flag("--ignore-unknown", options->ignore_unknown,
                "leave out other keys of an event; default: they are an error");
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->callback([options] { run_session(*options); });
}

}  // namespace lrurec::command
