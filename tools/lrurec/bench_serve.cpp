// lrurec bench recommend, lrurec bench session: requests and events as lines, answers as lines.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <memory>

#include "lrurec/serve/desk.h"
#include "lrurec/serve/event_line.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/util/json.h"
#include "tools/lrurec/bench.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct BenchServeOptions {
  std::string run, device = "cpu";
  std::int64_t k = 10, threads = 0, runs = 3, users = 0, sessions = 100, events = 2000;
  bool json = false;
};

using Lines = std::vector<std::string>;

train::LoadedRun load_served(const BenchServeOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  return train::load_run({options.run, "", "best", require_device(Device::parse(options.device))});
}

/// A request of each of the first `users` users, in the chunks in which recommend --batch reads them.
std::vector<Lines> requests(const data::Dataset& data, std::int64_t users) {
  constexpr std::int64_t chunk = 1024;
  std::vector<Lines> chunks;
  for (std::int64_t u = 0; u < users; ++u) {
    if (u % chunk == 0) chunks.emplace_back();
    chunks.back().push_back(util::json_text({{"user", std::string(data.user_name(u))}}));
  }
  return chunks;
}

void run_bench_recommend(const BenchServeOptions& options) {
  const train::LoadedRun loaded = load_served(options);
  const serve::Desk desk(loaded.data, *loaded.model, {loaded.config.max_length, "all", {}, options.k, false});
  const std::int64_t users =
      options.users > 0 ? std::min(options.users, loaded.data.users()) : loaded.data.users();
  const std::vector<Lines> chunks = requests(loaded.data, users);
  const MachineRates before = measure_machine(loaded.model->device());
  const Times times = time_runs(1, static_cast<int>(options.runs), [&] {
    for (const Lines& lines : chunks) desk.answer_lines(desk.parse(lines), [](const std::string&) {});
  });
  const double peak = peak_memory_bytes();
  const MachineRates rates = between(before, measure_machine(loaded.model->device()));

  std::int64_t scored = 0;
  const serve::Recommender recommender(*loaded.model, loaded.config.max_length);
  std::vector<serve::Request> some;
  for (const auto& asked : desk.parse(chunks.front())) some.push_back(asked.request);
  recommender.recommend(some, &scored);
  const double share =
      static_cast<double>(scored) / static_cast<double>(std::ssize(some) * (loaded.data.items() + 1));

  nlohmann::json json = describe_machine(rates, loaded.model->device());
  times.add_to(json, "seconds");
  json["users"] = users;
  json["items"] = loaded.data.items();
  json["k"] = options.k;
  json["users_per_second"] = static_cast<double>(users) / times.median();
  json["scored_share"] = share;
  json["peak_memory_bytes"] = peak;
  if (options.json) {
    print_json(json);
    return;
  }
  print_out(
      "{}",
      table({{fmt::format("the best {} of {} items, as lines", options.k, with_commas(loaded.data.items())),
              ""},
             {"users", with_commas(users)},
             {"seconds, median (quartiles)", times.str()},
             {"users a second", fmt::format("{:.0f}", json["users_per_second"].get<double>())},
             {"items scored in full", fmt::format("{:.2f} %", 100 * share)},
             {"peak memory", fmt::format("{:.0f} MB", peak / 1e6)},
             rates_row(rates, loaded.model->device())}));
}

/// Events of many sessions, one of each in turn; each session goes through the items in its own order.
Lines lines_of_sessions(const data::Dataset& data, const BenchServeOptions& options) {
  Lines lines;
  for (std::int64_t e = 0; e < options.events; ++e) {
    const std::int64_t user = e % options.sessions, t = e / options.sessions;
    const std::string item(data.item_name(1 + (user * 104729 + t * 7919) % data.items()));
    lines.push_back(util::json_text({{"user", fmt::format("session {}", user)}, {"item", item}}));
  }
  return lines;
}

/// Times the answers to all events from an empty store, `at_once` lines at a time.
Times time_lines(const Lines& lines, std::size_t at_once, const BenchServeOptions& options,
                 const serve::Catalogue& catalogue, const model::IncrementalModel& model) {
  return time_runs(1, static_cast<int>(options.runs), [&] {
    serve::SessionStore store(model, "", /*exclude_seen=*/true);
    for (std::size_t at = 0; at < lines.size(); at += at_once) {
      const auto some = std::span(lines).subspan(at, std::min(at_once, lines.size() - at));
      serve::answer_events(some, {options.k}, catalogue, store, [](const serve::EventAnswer&) {});
    }
  });
}

void run_bench_session(const BenchServeOptions& options) {
  const NoGrad no_grad;
  const train::LoadedRun loaded = load_served(options);
  const serve::Catalogue catalogue(loaded.data);
  const model::IncrementalModel model(*loaded.model);
  const Lines lines = lines_of_sessions(loaded.data, options);
  const MachineRates before = measure_machine(loaded.model->device());
  const Times alone = time_lines(lines, 1, options, catalogue, model);
  const Times together =
      time_lines(lines, static_cast<std::size_t>(options.sessions), options, catalogue, model);
  const MachineRates rates = between(before, measure_machine(loaded.model->device()));

  const auto per_second = [&](const Times& times) {
    return static_cast<double>(options.events) / times.median();
  };
  nlohmann::json json = describe_machine(rates, loaded.model->device());
  alone.add_to(json, "one_by_one_seconds");
  together.add_to(json, "together_seconds");
  json["sessions"] = options.sessions;
  json["events"] = options.events;
  json["items"] = loaded.data.items();
  json["k"] = options.k;
  json["one_by_one_events_per_second"] = per_second(alone);
  json["together_events_per_second"] = per_second(together);
  if (options.json) {
    print_json(json);
    return;
  }
  print_out("{}", table({{fmt::format("an event and the best {} of {} items, as lines", options.k,
                                      with_commas(loaded.data.items())),
                          "events a second"},
                         {"one by one", fmt::format("{:.0f}", per_second(alone))},
                         {fmt::format("{} sessions at once", options.sessions),
                          fmt::format("{:.0f}", per_second(together))},
                         rates_row(rates, loaded.model->device())}));
}

CLI::App* add_serving(CLI::App& bench, const char* name, const char* help,
                      const std::shared_ptr<BenchServeOptions>& options) {
  CLI::App* sub = bench.add_subcommand(name, help);
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("-k", options->k, "how many best items to find (default 10)")
      ->check(CLI::Range(1, 1 << 20));
  sub->add_option("--runs", options->runs, "timed runs (default 3)")->check(CLI::Range(1, 1000));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  return sub;
}

}  // namespace

void add_bench_recommend(CLI::App& bench) {
  auto options = std::make_shared<BenchServeOptions>();
  CLI::App* sub = add_serving(bench, "recommend",
                              "The best items of all users of a run's data, lines in and out", options);
  sub->add_option("--users", options->users, "time only the first N users (default 0: all)")
      ->check(CLI::Range(0, 1 << 30));
  sub->callback([options] { run_bench_recommend(*options); });
}

void add_bench_session(CLI::App& bench) {
  auto options = std::make_shared<BenchServeOptions>();
  CLI::App* sub = add_serving(bench, "session",
                              "Events of many sessions, one by one and those that wait together", options);
  sub->add_option("--sessions", options->sessions, "sessions that have events at the same time (default 100)")
      ->check(CLI::Range(1, 1 << 20));
  sub->add_option("--events", options->events, "events of all sessions together (default 2000)")
      ->check(CLI::Range(1, 1 << 30));
  sub->callback([options] { run_bench_session(*options); });
}

}  // namespace lrurec::command
