// lrurec recommend: the best next items for a known user, a list of items, or a file of requests.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "lrurec/model/models.h"
#include "lrurec/serve/desk.h"
#include "lrurec/train/loaded_run.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/request_lines.h"
#include "tools/lrurec/setting_flags.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

struct RecommendOptions {
  std::string run, data, checkpoint = "best", device = "cpu", until = "all", batch;
  std::optional<std::string> user;
  std::vector<std::string> items, exclude;  ///< raw ids
  std::int64_t k = 10, threads = 0;
  bool include_seen = false, ignore_unknown = false, json = false;
};

void run_batch(const RecommendOptions& options, const serve::Desk& desk) {
  using Got = RequestLines::Got;
  constexpr std::size_t most_lines = 1024, most_bytes = std::size_t{8} << 20;
  RequestLines in(options.batch);
  std::int64_t failed = 0;
  struct Line {
    std::int64_t number;
    bool too_long;
  };
  std::vector<std::string> texts;
  std::vector<Line> lines;
  std::size_t bytes = 0;
  const auto flush = [&] {
    std::vector<serve::Asked> asked = desk.parse(texts);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      std::string& error = asked[i].error;
      if (lines[i].too_long) error = "the request has more than 1 MiB";
      if (error.empty()) continue;
      error = fmt::format("line {}: {}", lines[i].number, error);
      ++failed;
    }
    desk.answer_lines(asked, [](const std::string& answer) { write_out(answer + "\n"); });
    texts.clear();
    lines.clear();
    bytes = 0;
    return flush_output() == 0;
  };
  std::string line;
  for (Got got = Got::nothing; got != Got::end;) {
    // Whoever sends a few requests and then waits must get the answers. So no more lines are waited for while
    // requests are pending.
    got = in.next(line, std::chrono::seconds(texts.empty() ? 1 : 0));
    if (got == Got::line || got == Got::too_long) {
      lines.push_back({in.line_number(), got == Got::too_long});
      texts.push_back(got == Got::line ? line : "");
      bytes += texts.back().size();
    }
    const bool idle = got == Got::nothing && !texts.empty();
    if ((texts.size() == most_lines || bytes > most_bytes || idle) && !flush()) return;
  }
  if (!flush()) return;
  in.check();
  if (failed > 0) {
    fail(ErrorKind::data, "{}: {} no answer; the lines on stdout say why",
         options.batch == "-" ? "standard input" : options.batch,
         counted(failed, "request") + (failed == 1 ? " has" : " have"));
  }
}

void warn_of_unknown(const char* flag, const std::vector<std::string>& ids) {
  if (ids.empty()) return;
  warn("{}: not in the data set and left out: {}", flag,
       util::visible(fmt::format("{}", fmt::join(ids, ", "))));
}

void run_recommend(const RecommendOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const int ways = (options.user ? 1 : 0) + (options.items.empty() ? 0 : 1) + (options.batch.empty() ? 0 : 1);
  if (ways != 1) fail(ErrorKind::usage, "give exactly one of --user, --items and --batch");
  if (options.ignore_unknown && options.batch.empty()) {
    fail(ErrorKind::usage, "--ignore-unknown is about the keys of requests; leave it out without --batch");
  }
  if (!options.items.empty() && options.until != "all") {
    fail(ErrorKind::usage, "--until cuts the history of --user and changes nothing of --items; leave it out");
  }
  const train::LoadedRun loaded = train::load_run(
      {options.run, options.data, options.checkpoint, require_device(Device::parse(options.device))});
  const serve::Desk desk(loaded.data, *loaded.model,
                         {loaded.config.max_length, options.until, options.exclude, options.k,
                          options.include_seen, options.ignore_unknown});
  if (!options.batch.empty()) return run_batch(options, desk);

  serve::Asked asked;
  asked.request.k = options.k;
  if (options.user) {
    asked.echo["user"] = *options.user;
    desk.ask_for_user(*options.user, asked);
  } else {
    desk.ask_for_items(options.items, asked);
  }
  if (!asked.error.empty()) fail(ErrorKind::data, "{}", asked.error);
  warn_of_unknown("--items", asked.unknown);
  const auto of_items = std::ssize(asked.unknown);
  desk.exclude(options.exclude, asked);
  warn_of_unknown("--exclude", {asked.unknown.begin() + of_items, asked.unknown.end()});
  const nlohmann::json answer = desk.answer({asked}).front();
  if (answer["items"].empty()) {
    warn("no item is left to recommend: each is {}excluded{}",
         options.include_seen ? "" : "one of those seen, or ",
         options.include_seen ? "" : " (--include-seen makes those seen candidates)");
  }
  if (options.json) {
    print_json(answer);
    return;
  }
  std::vector<std::vector<std::string>> rows{{"item", "score"}};
  if (loaded.data.has_titles()) rows[0].emplace_back("title");
  for (const auto& item : answer["items"]) {
    rows.push_back({item["item"].get<std::string>(), fmt::format("{:.4f}", item["score"].get<double>())});
    if (loaded.data.has_titles()) rows.back().push_back(item.value("title", ""));
  }
  const auto seen = std::ssize(asked.request.history);
  const auto read = std::min<std::int64_t>(seen, loaded.model->input_length(loaded.config.max_length));
  print_out("{}; {}\n{}",
            loaded.model->info().needs_users ? "the user's own vector is read, and no items"
                                             : fmt::format("{} of {} {} read", with_commas(read),
                                                           counted(seen, "item"), seen == 1 ? "is" : "are"),
            options.include_seen ? "all items are candidates, also those seen"
                                 : "those seen are no candidates (--include-seen makes them so)",
            table(rows));
}

}  // namespace

void add_recommend(CLI::App& app) {
  auto options = std::make_shared<RecommendOptions>();
  CLI::App* sub = app.add_subcommand("recommend", "The best next items for a user or a list of items");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("--user", options->user, "a user of the data set, by raw id");
  add_ids(
      *sub, "--items", options->items,
      "raw item ids, oldest first, separated by commas; blanks around an id are left out (ids with commas "
      "or such blanks: --batch)");
  sub->add_option(
      "--batch", options->batch,
      "file of requests, - for standard input: JSON lines {\"user\": ID} or {\"items\": [ID, ...]}, "
      "with \"k\", \"exclude\", \"id\"; one JSON line out for each, an \"error\" where it cannot be used, "
      "and then "
      "exit code 3 at the end");
  sub->add_option("-k", options->k, "how many items to recommend (default 10)")
      ->check(CLI::Range(1, 1000000));
  add_seen_flags(*sub, options->include_seen);
  add_ids(
      *sub, "--exclude", options->exclude,
      "leave out these raw item ids, separated by commas; with --batch in addition to each request's own");
  sub->add_flag("--ignore-unknown", options->ignore_unknown,
                "leave out other keys of the requests of --batch; default: they are an error");
  sub->add_option("--until", options->until,
                  "history of --user: all (default), or what precedes the test or val target")
      ->check(CLI::IsMember({"all", "test", "val"}));
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_recommend(*options); });
}

}  // namespace lrurec::command
