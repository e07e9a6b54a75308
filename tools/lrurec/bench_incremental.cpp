// lrurec bench incremental: one user's events one by one, against computing the whole history again.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "lrurec/data/dataset.h"
#include "lrurec/model/models.h"
#include "lrurec/model/session.h"
#include "lrurec/train/loaded_run.h"
#include "tools/lrurec/bench.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

std::int64_t bytes_of(const Tensor& tensor) {
  return tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
}

struct BenchIncrementalOptions {
  std::string data, model, device = "cpu";
  std::int64_t items = 57289, steps = 2048, k = 10, threads = 0;
  bool json = false;
};

std::int64_t item_of_event(std::int64_t t, std::int64_t items) { return 1 + t * 7919 % items; }

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Times sorted(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return {std::move(seconds)};
}

/// Seconds of each of a session's events: the step alone, and with the best items after it.
struct EventTimes {
  std::vector<double> steps, both;
};
EventTimes time_events(const model::Model& model, const BenchIncrementalOptions& options, Device device) {
  const model::IncrementalModel incremental(model);
  EventTimes times;
  for (int pass = 0; pass < 2; ++pass) {  // the first one warms up
    times.steps.clear(), times.both.clear();
    model::Session session(incremental);
    for (std::int64_t t = 0; t < options.steps; ++t) {
      times.steps.push_back(seconds_of([&] {
        session.observe(item_of_event(t, options.items));
        finish(device);
      }));
      times.both.push_back(times.steps.back() + seconds_of([&] { session.recommend(options.k); }));
    }
  }
  return times;
}

/// The share of all items that are scored in full to find the best ones after an event.
double scored_share(const model::Model& model, const BenchIncrementalOptions& options) {
  const model::IncrementalModel incremental(model);
  model::ExclusionList start_token;
  start_token.add({});
  model::Session session(incremental);
  std::int64_t scored = 0;
  for (std::int64_t t = 0; t < options.steps; ++t) {
    session.observe(item_of_event(t, options.items));
    incremental.top_k(session.hidden(), options.k, start_token.classes(), &scored);
  }
  return static_cast<double>(scored) / static_cast<double>(options.steps * (options.items + 1));
}

/// Seconds to read the whole history again and find the best items, after 1, 2, ... events.
std::vector<double> time_histories(const model::Model& model, const BenchIncrementalOptions& options) {
  const ops::raw::ClassTable classes(model.item_matrix().value(), model.item_bias().value());
  model::ExclusionList start_token;
  start_token.add({});
  const auto most = static_cast<std::size_t>(model.input_length(options.steps));
  std::vector<std::int64_t> history;
  std::vector<double> seconds;
  for (std::int64_t t = 0; t < options.steps; ++t) {
    history.push_back(item_of_event(t, options.items));
    if (history.size() > most) history.erase(history.begin());
    seconds.push_back(seconds_of([&] {
      const Tensor ends = Tensor::from(std::vector<std::int64_t>{0, std::ssize(history)});
      const Tensor row =
          model.user_rows({Tensor::from(history), ends, {}, Tensor::from(std::vector<std::int64_t>{1}), {}})
              .value();
      ops::raw::linear_top_k(row, classes, options.k, start_token.classes());
    }));
  }
  return seconds;
}

void run_bench_incremental(BenchIncrementalOptions options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const NoGrad no_grad;
  const Device device = require_device(Device::parse(options.device));
  std::unique_ptr<model::Model> made;
  if (std::filesystem::is_directory(options.data)) {
    if (!options.model.empty()) {
      fail(ErrorKind::usage,
           "{} has a model of its own: leave out --model, or give a data set instead of the run",
           options.data);
    }
    auto loaded = train::load_run({options.data, "", "best", device});
    options.model = loaded.config.model;
    options.items = loaded.data.items();
    made = std::move(loaded.model);
  } else {
    if (options.model.empty()) options.model = model::ModelConfig{}.model;
    if (!options.data.empty()) options.items = data::Dataset::load(options.data).items();
    made = model::make_model(
        {.model = options.model, .num_items = options.items, .num_users = 1, .max_length = options.steps + 1},
        1);
  }
  const MachineRates before = measure_machine(device);
  model::Model& model = *made;
  model.to(device);
  const std::vector<double> again = time_histories(model, options);
  const bool incremental = model.info().has_state;
  const auto [steps, both] = incremental ? time_events(model, options, device) : EventTimes{again, again};
  const MachineRates rates = between(before, measure_machine(device));

  std::int64_t weights = 0;
  for (const auto& p : model.named_parameters()) {
    const Tensor value = p.variable.value();
    const bool table = value.rank() > 0 && value.size(0) > options.items;  // a step reads a row of it
    if (!table) weights += bytes_of(value);
  }
  const auto bytes = static_cast<double>(weights + bytes_of(model.item_matrix().value()) +
                                         bytes_of(model.item_bias().value()));
  const double floor = bytes / (rates.copy_gbps * 1e9);

  nlohmann::json json = describe_machine(rates, device);
  const Times all = sorted(both), alone = sorted(steps);
  json["model"] = options.model;
  json["incremental"] = incremental;
  json["items"] = options.items;
  json["step_and_top_k_p50"] = all.median();
  json["step_and_top_k_p99"] = all.quantile(0.99);
  json["step_p50"] = alone.median();
  json["step_p99"] = alone.quantile(0.99);
  json["floor_seconds"] = floor;
  json["ratio_to_floor"] = all.median() / floor;
  if (incremental) json["scored_share"] = scored_share(model, options);

  // By length of the history so far, in octaves; and the running sums of figure 1 of the paper.
  nlohmann::json by_length = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows{
      {"after events", "step + best items, p50", "cumulative", "whole history again, cumulative", "ratio"}};
  double sum = 0, sum_again = 0;
  for (std::int64_t from = 0, to = 1; from < options.steps; from = to, to = std::min(2 * to, options.steps)) {
    const auto begin = static_cast<std::ptrdiff_t>(from), end = static_cast<std::ptrdiff_t>(to);
    for (auto t = static_cast<std::size_t>(from); t < static_cast<std::size_t>(to); ++t) {
      sum += both[t];
      sum_again += again[t];
    }
    const Times octave = sorted({both.begin() + begin, both.begin() + end});
    by_length.push_back({{"events", to},
                         {"step_and_top_k_p50", octave.median()},
                         {"cumulative_seconds", sum},
                         {"recomputing_cumulative_seconds", sum_again}});
    rows.push_back({with_commas(to), seconds_text(octave.median()), seconds_text(sum),
                    seconds_text(sum_again), fmt::format("{:.1f}", sum_again / sum)});
  }
  json["by_length"] = by_length;
  if (options.json) {
    print_json(json);
    return;
  }
  print_out(
      "{}\n{}",
      table({{incremental ? "one user, one event at a time" : "one user, the whole history for each event",
              "p50", "p99"},
             {"step", seconds_text(alone.median()), seconds_text(alone.quantile(0.99))},
             {fmt::format("step and best {} of {} items", options.k, with_commas(options.items)),
              seconds_text(all.median()), seconds_text(all.quantile(0.99))},
             {"floor from memory: bytes / copy rate", seconds_text(floor), ""},
             {"ratio to it, below 1 by codes and cache", fmt::format("{:.2f}", all.median() / floor), ""},
             {"items scored in full",
              incremental ? fmt::format("{:.2f} %", 100 * json["scored_share"].get<double>()) : "all", ""}}),
      table(rows));
}

}  // namespace

void add_bench_incremental(CLI::App& bench) {
  auto options = std::make_shared<BenchIncrementalOptions>();
  CLI::App* sub =
      bench.add_subcommand("incremental", "A session's events one by one, and the whole history again");
  auto* data = sub->add_option("data", options->data,
                               "data set, for its number of items, or folder of a run, for its weights");
  sub->add_option("--items", options->items, "size of the catalogue")
      ->check(CLI::Range(1, 1 << 28))
      ->excludes(data);
  sub->add_option(
      "--model", options->model,
      "model that is timed (default lrurec); one without a state reads the whole history for each event");
  sub->add_option("--steps", options->steps, "number of timed events")->check(CLI::Range(1, 1 << 20));
  sub->add_option("-k", options->k, "how many best items to find after each event")
      ->check(CLI::Range(1, 1 << 20));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_bench_incremental(*options); });
}

}  // namespace lrurec::command
