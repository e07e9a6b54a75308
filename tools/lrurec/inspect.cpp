// lrurec inspect: looks inside a trained model.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/inspect/forward_steps.h"
#include "lrurec/inspect/memory.h"
#include "lrurec/inspect/scan_steps.h"
#include "lrurec/model/models.h"
#include "lrurec/reproduce/paper.h"
#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/recommender.h"
#include "lrurec/train/loaded_run.h"
#include "ops/top_k/top_k.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

using Complex = std::complex<double>;

struct InspectOptions {
  std::string run, data, checkpoint = "best", user, score;
  std::vector<std::string> items;
  std::vector<double> x{1, 2, 3, 4, 5, 6, 7, 8}, lambda{0.5};
  bool json = false;
};

struct Loaded {
  train::Checkpoint checkpoint;
  config::TrainConfig config;
  std::unique_ptr<model::Model> model;
  bool imported = false;
};

/// The model alone; its data set need not be there.
Loaded load(const InspectOptions& options) {
  const auto folder = train::RunFolder::open(options.run);
  const std::string path = folder.checkpoint(options.checkpoint).string();
  Loaded loaded;
  loaded.checkpoint = train::load_checkpoint(folder, options.checkpoint);
  loaded.config = loaded.checkpoint.parse_config(path);
  loaded.model = train::load_model(loaded.checkpoint, path);
  loaded.imported = folder.description().contains("imported_from");
  return loaded;
}

// ---- summary -------------------------------------------------------------------------------------------

struct Spread {
  double mean = 0, deviation = 0, largest = 0;
};

/// Of the absolute values where numbers are complex.
Spread spread(const Tensor& value) {
  std::vector<double> numbers;
  if (is_complex(value.dtype())) {
    const Tensor exact = value.to(DType::c128).contiguous();
    for (std::int64_t i = 0; i < exact.numel(); ++i) numbers.push_back(std::abs(exact.data<Complex>()[i]));
  } else {
    const Tensor exact = value.to(DType::f64).contiguous();
    numbers.assign(exact.data<double>(), exact.data<double>() + exact.numel());
  }
  Spread s;
  for (const double x : numbers) {
    s.mean += x / static_cast<double>(numbers.size());
    s.largest = std::max(s.largest, std::abs(x));
  }
  for (const double x : numbers) s.deviation += (x - s.mean) * (x - s.mean);
  s.deviation = std::sqrt(s.deviation / static_cast<double>(numbers.size()));
  return s;
}

void summary(const InspectOptions& options) {
  const Loaded run = load(options);
  nlohmann::json json{{"step", run.checkpoint.progress.step},
                      {"parameters", run.model->parameter_count()},
                      {"real_parameters", model::real_parameters(*run.model)},
                      {"tensors", nlohmann::json::array()}};
  std::vector<std::vector<std::string>> rows{
      {"parameter", "shape", "type", "numbers", "mean", "deviation", "largest"}};
  for (const auto& p : run.model->named_parameters()) {
    const Tensor& value = p.variable.value();
    const auto [mean, deviation, largest] = spread(value);
    rows.push_back({p.name, value.shape().str(), std::string(name(value.dtype())), with_commas(value.numel()),
                    fmt::format("{:.4f}", mean), fmt::format("{:.4f}", deviation),
                    fmt::format("{:.4f}", largest)});
    json["tensors"].push_back({{"name", p.name},
                               {"shape", value.shape().str()},
                               {"dtype", name(value.dtype())},
                               {"mean", mean},
                               {"deviation", deviation},
                               {"largest", largest}});
  }
  if (options.json) return print_json(json);
  const auto& config = run.model->config();
  print_out("{}\n{}, step {}; {} items; {}; {} parameters ({} real numbers, {:.1f} MB)\n", table(rows),
            run.model->info().title, run.checkpoint.progress.step, with_commas(config.num_items),
            fmt::join(config::own_settings(run.config), ", "), with_commas(run.model->parameter_count()),
            with_commas(model::real_parameters(*run.model)),
            4e-6 * static_cast<double>(model::real_parameters(*run.model)));
  print_out("(of complex numbers: of their absolute values)\n");
}

// ---- eigenvalues ---------------------------------------------------------------------------------------

/// Number of channels with |lambda| in [i/10, (i+1)/10).
std::vector<std::int64_t> histogram(const inspect::Eigenvalues& lambda) {
  std::vector<std::int64_t> counts(10);
  for (const auto z : lambda) ++counts[std::min<std::size_t>(9, static_cast<std::size_t>(10 * std::abs(z)))];
  return counts;
}

/// The means that the paper's table 5 may report, and which of them is nearest to its numbers.
std::string means_text(const std::vector<inspect::MeanDefinition>& definitions,
                       const std::vector<double>& published) {
  const std::size_t blocks = definitions.front().blocks.size();
  std::vector<std::vector<std::string>> rows{{"of all channels"}};
  const auto add = [&](const std::string& name, const std::vector<double>& values) {
    rows.push_back({name});
    for (std::size_t b = 0; b < blocks; ++b) {
      rows.back().push_back(b < values.size() ? fmt::format("{:.4f}", values[b]) : "");
    }
  };
  for (std::size_t b = 0; b < blocks; ++b) rows[0].push_back(fmt::format("block {}", b + 1));
  for (const auto& one : definitions) add(one.name, one.blocks);
  if (published.empty()) return table(rows);
  add("paper, table 5", published);
  return table(rows) +
         fmt::format("nearest to the paper's table 5: {}\n", inspect::nearest(definitions, published).name);
}

void eigen(const InspectOptions& options) {
  const Loaded run = load(options);
  const auto trained = inspect::eigenvalues(*run.model);
  const auto initial = run.imported ? std::vector<inspect::Eigenvalues>{}
                                    : inspect::initial_eigenvalues(
                                          run.model->config(), static_cast<std::uint64_t>(run.config.seed));
  // The paper's table 5 and the gains of channels are the LRU's.
  const bool is_lru = run.model->recurrence() != nullptr;
  const auto published =
      is_lru ? reproduce::published_mean_abs(run.model->config().num_items) : std::vector<double>{};
  nlohmann::json json = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows{
      {"", "mean |lambda|", "before", "paper, table 5", "half-life (items)", "before"}};
  for (std::size_t b = 0; b < trained.size(); ++b) {
    const auto number = [](bool there, auto value, const char* format) {
      return there ? fmt::format(fmt::runtime(format), value()) : std::string();
    };
    rows.push_back({fmt::format("block {}", b + 1), fmt::format("{:.4f}", inspect::mean_abs(trained[b])),
                    number(
                        !initial.empty(), [&] { return inspect::mean_abs(initial[b]); }, "{:.4f}"),
                    number(
                        b < published.size(), [&] { return published[b]; }, "{:.4f}"),
                    fmt::format("{:.1f}", inspect::median_half_life(trained[b])),
                    number(
                        !initial.empty(), [&] { return inspect::median_half_life(initial[b]); }, "{:.1f}")});
    nlohmann::json block{{"mean_abs", inspect::mean_abs(trained[b])},
                         {"median_half_life", inspect::median_half_life(trained[b])},
                         {"lambda", nlohmann::json::array()}};
    for (const auto z : trained[b]) block["lambda"].push_back({z.real(), z.imag()});
    if (!initial.empty()) block["initial_mean_abs"] = inspect::mean_abs(initial[b]);
    if (b < published.size()) block["published_mean_abs"] = published[b];
    json.push_back(std::move(block));
  }
  const auto definitions =
      is_lru ? inspect::mean_definitions(*run.model) : std::vector<inspect::MeanDefinition>{};
  if (options.json) {
    for (std::size_t b = 0; b < json.size(); ++b) {
      for (const auto& one : definitions) json[b]["means"][one.name] = one.blocks[b];
      if (published.empty()) continue;
      json[b]["nearest_to_published"] = inspect::nearest(definitions, published).name;
    }
    return print_json(json);
  }
  if (published.empty()) {
    for (auto& row : rows) row.erase(row.begin() + 3);  // the paper's column
  }
  print_out("{}\n{}", table(rows), is_lru ? means_text(definitions, published) + "\n" : "");
  for (std::size_t b = 0; b < trained.size(); ++b) {
    print_out("channels of block {} by |lambda|\n", b + 1);
    const auto counts = histogram(trained[b]);
    const double most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      print_out(
          "  {:.1f} .. {:.1f} {:>5}  {}\n", 0.1 * static_cast<double>(i), 0.1 * static_cast<double>(i + 1),
          counts[i],
          std::string(static_cast<std::size_t>(std::ceil(40 * static_cast<double>(counts[i]) / most)), '#'));
    }
  }
  print_out(
      "\nHalf-life: items until half of what one added to the state is left, ln(1/2) / ln|lambda|; the "
      "median\n"
      "channel's.{}\n",
      is_lru ? " lrurec report draws the eigenvalues on the unit disk."
             : fmt::format(" lambda is what a channel of {} is multiplied by from item to item.",
                           run.model->config().backbone));
}

// ---- memory --------------------------------------------------------------------------------------------

struct Known {
  std::vector<std::int32_t> history;  ///< whole
  std::int64_t user = 0;              ///< 0: somebody else
};

/// The history that --user or --items names.
Known known_of(const InspectOptions& options, const train::LoadedRun& run,
               const serve::Catalogue& catalogue) {
  if (options.user.empty() == options.items.empty()) {
    fail(ErrorKind::usage, "name a history: either --user ID or --items ID,ID,...");
  }
  Known known;
  auto& history = known.history;
  if (!options.user.empty()) {
    const auto user = catalogue.user(options.user);
    if (!user) {
      fail(ErrorKind::data, "user '{}' is not in the data set, whose first is '{}'",
           util::visible(options.user), util::visible(run.data.user_name(0)));
    }
    const data::Items all = run.data.sequence(*user);
    history.assign(all.begin(), all.end());
    known.user = *user + 1;
  } else {
    std::vector<std::string> unknown;
    history = catalogue.items(options.items, unknown);
    for (const auto& raw : unknown) warn("not in the data set and left out: {}", util::visible(raw));
  }
  if (history.empty()) fail(ErrorKind::data, "the history has no known item");
  return known;
}

void memory(const InspectOptions& options) {
  const auto run = train::load_run({options.run, options.data, options.checkpoint, {}});
  const serve::Catalogue catalogue(run.data);
  const auto [whole, user] = known_of(options, run, catalogue);
  std::int32_t candidate = 0;
  if (options.score.empty()) {
    const serve::Recommender recommender(*run.model, run.config.max_length);
    const std::vector<serve::Request> request{{whole, whole, 1, user}};
    const auto best = recommender.recommend(request);
    if (best[0].empty()) fail(ErrorKind::data, "every item is in the history; choose one with --score ID");
    candidate = best[0][0].item;
  } else {
    const auto item = catalogue.item(options.score);
    if (!item) fail(ErrorKind::data, "item '{}' is not in the data set", util::visible(options.score));
    candidate = *item;
  }
  const auto found = inspect::memory(*run.model, whole, candidate, run.config.max_length, user);

  nlohmann::json json{{"candidate", catalogue.item_name(candidate)},
                      {"score", found.score},
                      {"items", nlohmann::json::array()}};
  if (run.data.has_titles()) json["candidate_title"] = run.data.item_title(candidate);
  std::vector<std::vector<std::string>> rows{{"item", "ago"}};
  const std::size_t blocks = found.items.empty() ? 0 : found.items[0].share.size();
  for (std::size_t b = 0; b < blocks; ++b) {
    // A gated LRU's convolution mixes items before the first state, too.
    const bool exact = b == 0 && run.model->config().backbone == "lru";
    rows[0].push_back(fmt::format("state {}{}", b + 1, exact ? "" : " (*)"));
  }
  rows[0].emplace_back("score change");
  if (run.data.has_titles()) rows[0].emplace_back("title");
  std::int64_t ago = std::ssize(found.items);
  for (const auto& item : found.items) {
    rows.push_back({std::string(catalogue.item_name(item.item)), std::to_string(--ago)});
    for (const double share : item.share) rows.back().push_back(fmt::format("{:.1f}%", 100 * share));
    rows.back().push_back(item.score_change ? fmt::format("{:+.4f}", *item.score_change) : "");
    if (run.data.has_titles()) rows.back().emplace_back(run.data.item_title(item.item));
    json["items"].push_back(catalogue.describe(item.item));
    json["items"].back().update({{"ago", ago}, {"share", item.share}});
    if (item.score_change) json["items"].back()["score_change"] = *item.score_change;
  }
  if (options.json) return print_json(json);
  const bool longer = std::ssize(whole) > std::ssize(found.items) && !run.model->info().needs_users;
  const std::string title(run.data.item_title(candidate));
  print_out(
      "{}\ncandidate {}{}, score {:.4f}{}\n", table(rows), util::visible(catalogue.item_name(candidate)),
      title.empty() ? "" : fmt::format(" ({})", util::visible(title)), found.score,
      longer ? fmt::format("; the last {} of {} items are read", found.items.size(), whole.size()) : "");
  if (blocks > 0) {
    print_out("State: share of the last state that came in with the item{}.\n",
              blocks > 1 ? "; (*) approximate: what enters this block holds earlier items already" : "");
  }
  print_out("Score change: the candidate's score less its score without the item{}.\n",
            longer ? ", where an older one is read in its place" : "");
}

// ---- forward -------------------------------------------------------------------------------------------

/// A row's first numbers, as many as fit a cell, or all for JSON.
nlohmann::json numbers_of(const Tensor& value, std::int64_t row, std::int64_t count) {
  nlohmann::json all = nlohmann::json::array();
  const Tensor exact =
      value.select(0, row).to(is_complex(value.dtype()) ? DType::c128 : DType::f64).host().contiguous();
  for (std::int64_t i = 0; i < std::min(count, exact.numel()); ++i) {
    if (is_complex(exact.dtype())) {
      const Complex z = exact.data<Complex>()[i];
      all.push_back({z.real(), z.imag()});
    } else {
      all.push_back(exact.data<double>()[i]);
    }
  }
  return all;
}

std::string cell_of(const Tensor& value, std::int64_t row) {
  std::string cell;
  for (const auto& x : numbers_of(value, row, is_complex(value.dtype()) ? 1 : 2)) {
    if (x.is_array()) {
      cell += fmt::format("{:.3f}{:+.3f}i ", x[0].get<double>(), x[1].get<double>());
    } else {
      cell += fmt::format("{:.3f} ", x.get<double>());
    }
  }
  return cell + "..";
}

void forward(const InspectOptions& options) {
  const auto run = train::load_run({options.run, options.data, options.checkpoint, {}});
  const serve::Catalogue catalogue(run.data);
  const auto whole = known_of(options, run, catalogue).history;
  const std::int64_t L = std::min(std::ssize(whole), run.model->input_length(run.config.max_length));
  const std::vector<std::int32_t> read(whole.end() - L, whole.end());
  const auto steps = inspect::forward_steps(*run.model, read);

  if (options.json) {
    nlohmann::json json{{"items", nlohmann::json::array()}, {"steps", nlohmann::json::array()}};
    for (const std::int32_t item : read) json["items"].push_back(catalogue.item_name(item));
    for (const auto& step : steps) {
      nlohmann::json rows = nlohmann::json::array();
      for (std::int64_t t = 0; t < L; ++t) rows.push_back(numbers_of(step.value, t, step.value.numel()));
      json["steps"].push_back(
          {{"equation", step.equation}, {"place", step.place}, {"rows", std::move(rows)}});
    }
    return print_json(json);
  }
  const std::int64_t shown = std::min<std::int64_t>(L, 3);
  std::vector<std::vector<std::string>> rows{{"each row from those above it", "paper", "shape"}};
  for (std::int64_t t = L - shown; t < L; ++t) {
    rows[0].push_back("after " + util::visible(catalogue.item_name(read[static_cast<std::size_t>(t)])));
  }
  for (const auto& step : steps) {
    rows.push_back({step.equation, step.place, step.value.shape().str()});
    for (std::int64_t t = L - shown; t < L; ++t) rows.back().push_back(cell_of(step.value, t));
  }
  print_out("{}\n", table(rows));
  const std::int64_t items = steps.back().value.size(1) - 1;  // row 0 is the start token
  const auto best =
      ops::raw::top_k(steps.back().value.select(0, L - 1).slice(0, 1, items + 1).to(DType::f64).host(),
                      std::min<std::int64_t>(items, 3));
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < best.indices.numel(); ++i) {
    const auto item = static_cast<std::int32_t>(best.indices.data<std::int64_t>()[i] + 1);
    names.push_back(
        fmt::format("{} {:.3f}", util::visible(catalogue.item_name(item)), best.values.data<double>()[i]));
  }
  print_out("First numbers of each row; of {} items the last {}. --json has all.\n", L, shown);
  print_out("The highest scores after the last item, seen items included: {}\n", fmt::join(names, ", "));
}

// ---- scan ----------------------------------------------------------------------------------------------

std::string text(Complex z) {
  if (z.imag() == 0) return fmt::format("{:.4g}", z.real());
  return fmt::format("{:.4g}{:+.4g}i", z.real(), z.imag());
}

void scan(const InspectOptions& options) {
  if (options.lambda.size() > 2) fail(ErrorKind::usage, "--lambda is RE or RE,IM");
  const Complex lambda(options.lambda[0], options.lambda.size() == 2 ? options.lambda[1] : 0);
  const std::vector<Complex> x(options.x.begin(), options.x.end());
  const auto steps = inspect::recursive_scan_steps(lambda, x);
  const auto one_by_one = inspect::sequential_scan(lambda, x);
  if (options.json) {
    const auto pairs = [](const std::vector<Complex>& values) {
      nlohmann::json all = nlohmann::json::array();
      for (const auto z : values) all.push_back({z.real(), z.imag()});
      return all;
    };
    nlohmann::json json{{"lambda", {lambda.real(), lambda.imag()}}, {"steps", nlohmann::json::array()}};
    for (const auto& step : steps)
      json["steps"].push_back({{"what", step.what}, {"values", pairs(step.values)}});
    json["sequential"] = pairs(one_by_one);
    return print_json(json);
  }
  std::vector<std::vector<std::string>> rows{{"lambda = " + text(lambda)}};
  for (std::size_t t = 1; t <= x.size(); ++t) rows[0].push_back(fmt::format("h{}", t));
  const auto add = [&](const std::string& what, const std::vector<Complex>& values) {
    rows.push_back({what});
    for (const auto z : values) rows.back().push_back(text(z));
  };
  for (const auto& step : steps) add(step.what.substr(0, step.what.find(':')), step.values);
  add("one by one", one_by_one);
  print_out("{}\n", table(rows));
  if (x.size() == 1) return print_out("One number is its own state: there is nothing to compute.\n");
  for (std::size_t i = 1; i < steps.size(); ++i) print_out("{}\n", steps[i].what);
  const auto count = [](std::size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  print_out("\n{} instead of {} one after the other: algorithm 1 of the paper.\n",
            count(steps.size() - 1, "round"), count(x.size() - 1, "multiply-add"));
  const std::size_t padded = std::bit_ceil(x.size()), zeros = padded - x.size();
  if (zeros > 0) {
    print_out("{} {} thought of before h1, so that there are {}; {} nothing.\n", zeros,
              zeros == 1 ? "zero is" : "zeros are", padded, zeros == 1 ? "it adds" : "they add");
  }
}

}  // namespace

void add_inspect(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("inspect", "Look inside a trained model");
  sub->require_subcommand(1);
  auto options = std::make_shared<InspectOptions>();
  const auto of_run = [&](const char* name, const char* description, void (*work)(const InspectOptions&)) {
    CLI::App* command = sub->add_subcommand(name, description);
    command->add_option("run", options->run, "folder of the run")->required();
    command->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
        ->check(CLI::IsMember({"best", "last", "previous"}));
    command->add_flag("--json", options->json,
                      name == std::string_view("eigen") ? "print one JSON list, a block an object"
                                                        : "print one JSON object");
    command->callback([options, work] { work(*options); });
    return command;
  };
  of_run("summary", "Every parameter: shape, size, mean, deviation, largest", summary);
  of_run("eigen", "Eigenvalues: |lambda| before and after training, half-lives in items", eigen);
  CLI::App* items =
      of_run("memory", "How much each past item contributes to the state and to a score", memory);
  CLI::App* lines =
      of_run("forward", "Every line of the model's equations on one history, with its numbers", forward);
  for (CLI::App* command : {items, lines}) {
    command->add_option("--user", options->user, "a user of the data set, by raw id");
    add_ids(*command, "--items", options->items, "raw item ids, oldest first, separated by commas");
    command->add_option("--data", options->data, "data set file, if it moved since training");
  }
  items->add_option("--score", options->score,
                    "the item whose score is looked at; default: the best new one");
  CLI::App* steps =
      sub->add_subcommand("scan", "The steps of algorithm 1 on numbers, beside the sequential ones");
  steps->add_option("--x", options->x, "inputs, separated by commas (default 1,2,...,8)")
      ->delimiter(',')
      ->check(finite_number());
  steps->add_option("--lambda", options->lambda, "RE or RE,IM (default 0.5)")
      ->delimiter(',')
      ->check(finite_number());
  steps->add_flag("--json", options->json, "print one JSON object");
  steps->callback([options] { scan(*options); });
}

}  // namespace lrurec::command
