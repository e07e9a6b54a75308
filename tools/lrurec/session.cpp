// lrurec session: events in, recommendations out, one line each.

#include <fmt/format.h>
#include <omp.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/session_store.h"
#include "lrurec/train/loaded_run.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/module_file.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

struct SessionOptions {
  std::string run, data, checkpoint = "best", device = "cpu", state;
  std::int64_t k = 10, threads = 0;
  bool exclude_seen = false;
};

struct Event {
  std::string user, item;
  std::int64_t k;
};

std::string raw_id(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  throw std::invalid_argument(fmt::format("{} is no id", value.dump()));
}

/// {"user": ID, "item": ID, "k": 5}, or a raw item id alone: the user has then no name.
Event parse(const std::string& line, std::int64_t k) {
  if (line.front() != '{') return {"", line, k};
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw std::invalid_argument("this is not JSON");
  if (!json.contains("item")) throw std::invalid_argument("there is no \"item\"");
  Event event{json.contains("user") ? raw_id(json["user"]) : "", raw_id(json["item"]), k};
  if (json.contains("k")) {
    if (!json["k"].is_number_integer() || json["k"].get<std::int64_t>() < 0) {
      throw std::invalid_argument("\"k\" is not a whole number from 0 on");
    }
    event.k = json["k"].get<std::int64_t>();
  }
  return event;
}

nlohmann::json answer(const Event& event, const serve::Catalogue& catalogue, serve::SessionStore& store) {
  nlohmann::json out = nlohmann::json::object();
  if (!event.user.empty()) out["user"] = event.user;
  const auto item = catalogue.item(event.item);
  if (!item) {
    out["error"] =
        fmt::format("item '{}' is not in the data set (whose first is '{}'); the event was left out",
                    event.item, catalogue.item_name(1));
    out["events"] = store.events(event.user);
    return out;
  }
  store.observe(event.user, *item);
  out["events"] = store.events(event.user);
  out["items"] = nlohmann::json::array();
  if (event.k == 0) return out;
  for (const auto& [id, score] : store.recommend(event.user, event.k)) {
    out["items"].push_back({{"item", catalogue.item_name(id)}, {"score", score}});
  }
  return out;
}

void run_session(const SessionOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const NoGrad no_grad;
  const train::LoadedRun loaded = train::load_run(
      {options.run, options.data, options.checkpoint, require_device(Device::parse(options.device))});
  const serve::Catalogue catalogue(loaded.data);
  const model::IncrementalModel model(*loaded.model);
  const std::string weights = nn::fingerprint(nn::to_bytes(nn::to_records(*loaded.model)));
  serve::SessionStore store(model, weights, options.exclude_seen);
  const bool keep = !options.state.empty();
  if (keep && std::filesystem::exists(options.state)) {
    store.load(options.state);
    note("sessions loaded from {}: {}", options.state, with_commas(static_cast<std::int64_t>(store.users())));
  }
  remember_signals();  // an interrupted stream is saved too
  std::int64_t failed = 0;
  for (std::string line; interrupted_by() == 0 && std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    nlohmann::json out;
    try {
      out = answer(parse(line, options.k), catalogue, store);
    } catch (const std::invalid_argument& e) {
      out["error"] = e.what();
    }
    failed += out.contains("error") ? 1 : 0;
    fmt::print("{}\n", out.dump());
    if (std::fflush(stdout) != 0) break;  // the reader is gone: the states are kept all the same
  }
  if (keep) store.save(options.state);
  if (failed > 0) fail(ErrorKind::data, "{} events were left out; their lines on stdout say why", failed);
}

}  // namespace

void add_session(CLI::App& app) {
  auto options = std::make_shared<SessionOptions>();
  CLI::App* sub = app.add_subcommand(
      "session", "Events on standard input, one JSON line of recommendations out for each");
  sub->footer(
      "A line in is {\"user\": ID, \"item\": ID} (and \"k\"), or a raw item id alone. An event takes the "
      "same "
      "time after ten\nevents as after ten thousand.");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("-k", options->k, "how many items after each event (default 10, 0: none)")
      ->check(CLI::Range(0, 1000000));
  sub->add_option("--state", options->state,
                  "file of the users' states: read at the start if it is there, written at the end");
  sub->add_flag("--exclude-seen", options->exclude_seen, "without the items that the user took before");
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->callback([options] { run_session(*options); });
}

}  // namespace lrurec::command
