// lrurec prepare: raw logs -> one data set file.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "lrurec/data/batches.h"
#include "lrurec/data/demo.h"
#include "lrurec/data/fields.h"
#include "lrurec/data/line_source.h"
#include "lrurec/data/prepare.h"
#include "lrurec/data/readers.h"
#include "lrurec/data/titles.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

struct PrepareOptions {
  std::string raw, output, format = "auto", filter, ties = "file", split = "leave-last", columns, delimiter,
                           member, titles, titles_member;
  std::vector<std::string> where;
  std::string time_format;
  std::optional<double> min_rating;
  std::int64_t max_length = 200, skip_bad = 0;
  bool demo = false, json = false, force = false, header = false;
  data::DemoShape shape;
};

constexpr std::int64_t printed_batch_size = 128;

data::ReadOptions read_options(const PrepareOptions& options) {
  data::ReadOptions read;
  read.member = options.member;
  read.with_rating = options.min_rating.has_value();
  read.skip = options.skip_bad;
  if (!options.columns.empty()) {
    if (options.format != "auto") fail(ErrorKind::usage, "give either --format or --columns");
    read.format = data::Format::columns;
    read.columns = data::Columns::parse(options.columns);
    read.columns.delimiter = options.delimiter;
    read.columns.header = options.header;
    return read;
  }
  if (!options.delimiter.empty() || options.header) {
    fail(ErrorKind::usage, "--delimiter and --header belong to --columns");
  }
  if (options.format != "auto") {
    read.format = data::parse_format(options.format);
    return read;
  }
  const auto sniffed = data::sniff_format(options.raw, options.member);
  read.format = sniffed.format;
  read.columns = sniffed.columns;
  if (sniffed.format == data::Format::columns) {
    note("format: {} ({}); give --columns yourself if that is wrong", sniffed.columns.flags(), sniffed.why);
  } else {
    note("format: {} ({}); name it with --format if that is wrong", data::name(sniffed.format), sniffed.why);
  }
  return read;
}

void show_first_rows(const data::Interactions& rows) {
  for (std::size_t r = 0; r < std::min<std::size_t>(rows.size(), 3); ++r) {
    // Raw ids are any text, so also what a terminal would obey.
    note("  row {}: user '{}', item '{}'{}", r + 1, util::printable(rows.users[rows.user[r]]),
         util::printable(rows.items[rows.item[r]]),
         rows.time.empty() ? "" : fmt::format(", time {}", rows.time[r]));
  }
}

/// What --where and --time-format add to the columns, given or found.
void refine_columns(const PrepareOptions& options, data::ReadOptions& read) {
  const auto needs_columns = [&](const char* flag) {
    if (read.format == data::Format::columns) return;
    fail(ErrorKind::usage, "{} needs a file that is read by --columns, not as {}", flag,
         data::name(read.format));
  };
  for (const auto& condition : options.where) {
    read.columns.where.push_back(data::Condition::parse(condition));
    needs_columns("--where");
  }
  if (options.time_format.empty()) return;
  data::check_time_form(options.time_format);
  needs_columns("--time-format");
  if (read.columns.time.empty()) {
    fail(ErrorKind::usage, "--time-format needs the column of times: add time=.. to --columns");
  }
  read.columns.time_form = options.time_format;
}

data::Dataset from_file(const PrepareOptions& options) {
  const data::Ties ties = data::parse_ties(options.ties);
  const data::SplitRule split = data::SplitRule::parse(options.split);
  if (!options.filter.empty()) data::Filter::parse(options.filter);  // refuse it before reading anything
  data::ReadOptions read = read_options(options);
  refine_columns(options, read);
  const bool ready = read.format == data::Format::sasrec;  // such files are filtered already
  const data::Filter filter = data::Filter::parse(!options.filter.empty() ? options.filter
                                                  : ready                 ? "none"
                                                                          : "once:5");
  const auto rows = timed("reading", [&] { return data::read_interactions(options.raw, read); });
  show_first_rows(rows);
  for (const auto& remark : rows.remarks) warn("warning: {}", remark);
  data::Dataset data = timed("filtering and ordering",
                             [&] { return data::prepare(rows, filter, ties, options.min_rating, split); });
  const auto tied = data.protocol().facts.find("tied_share");
  if (ties == data::Ties::file && tied != data.protocol().facts.end() && tied->second > 0 &&
      data::mostly_newest_first(rows)) {
    warn(
        "warning: the rows of {} are mostly newest first, and with --ties file equal times keep that "
        "reversed order; give --ties hash, or turn the rows round first (with tac)",
        options.raw);
  }
  return data;
}

nlohmann::json describe(const data::Dataset& data, std::int64_t max_length) {
  const auto windows = data::training_windows(data, max_length);
  std::int64_t labels = 0;
  for (const auto& window : windows) labels += data::label_count(window, max_length);
  std::unordered_set<std::int32_t> trained;
  for (std::int64_t u = 0; u < data.users(); ++u) trained.insert(data.train(u).begin(), data.train(u).end());
  const auto evaluated = data.evaluated_users(data::Split::test);
  std::int64_t unseen = 0;
  for (const auto u : evaluated) unseen += trained.contains(data.target(u, data::Split::test)) ? 0 : 1;

  const auto count = static_cast<std::int64_t>(windows.size());
  nlohmann::json json{{"users", data.users()},
                      {"items", data.items()},
                      {"interactions", data.interactions()},
                      {"evaluated_users", evaluated.size()},
                      {"validated_users", data.evaluated_users(data::Split::validation).size()},
                      {"max_length", max_length},
                      {"training_windows", count},
                      {"steps_per_epoch", (count + printed_batch_size - 1) / printed_batch_size},
                      {"labels", labels},
                      {"test_targets_unseen_in_training", unseen},
                      {"fingerprint", data.fingerprint()}};
  const auto& protocol = data.protocol();
  json["protocol"] = {{"source", protocol.source}, {"format", protocol.format}, {"filter", protocol.filter},
                      {"ties", protocol.ties},     {"order", protocol.order},   {"split", protocol.split},
                      {"facts", protocol.facts}};
  const data::Step* before = nullptr;
  for (const auto& step : protocol.steps) {
    json["steps"].push_back({{"what", step.what},
                             {"users", step.users},
                             {"items", step.items},
                             {"interactions", step.interactions},
                             {"dropped", before == nullptr ? 0 : before->interactions - step.interactions}});
    before = &step;
  }
  return json;
}

void print(const data::Dataset& data, const nlohmann::json& json, const std::string& output) {
  std::vector<std::vector<std::string>> steps{{"step", "users", "items", "interactions", "dropped"}};
  for (const auto& step : json["steps"]) {
    std::vector<std::string> row{step["what"].get<std::string>()};
    for (const char* key : {"users", "items", "interactions", "dropped"}) {
      row.push_back(with_commas(step[key].get<std::int64_t>()));
    }
    steps.push_back(std::move(row));
  }
  print_out("{}\n", table(steps));
  const auto number = [&](const char* key) { return with_commas(json[key].get<std::int64_t>()); };
  print_out("{}", table({{"users", number("users")},
                         {"items", number("items")},
                         {"interactions", number("interactions")},
                         {"users with a test target", number("evaluated_users")},
                         {"users with a validation target", number("validated_users")},
                         {"test targets unseen in training", number("test_targets_unseen_in_training")}}));
  if (json.contains("items_with_title")) {
    print_out("items with a title: {} of {}\n", number("items_with_title"), number("items"));
  }
  print_out("\nfor a model that reads at most {} items (--max-length)\n{}", number("max_length"),
            table({{"training windows", number("training_windows")},
                   {fmt::format("steps an epoch, batch {}", printed_batch_size), number("steps_per_epoch")},
                   {"labels", number("labels")}}));
  const auto& protocol = data.protocol();
  print_out("\norder: {}; filter: {}; split: {}\n", protocol.order, protocol.filter, protocol.split);
  if (const auto others = protocol.facts.find("other_rows"); others != protocol.facts.end()) {
    print_out("{} other rows of the file were left out (--where)\n",
              with_commas(static_cast<std::int64_t>(others->second)));
  }
  const auto fact = protocol.facts.find("best_possible_recall10_test");
  if (const auto tied = protocol.facts.find("tied_share"); tied != protocol.facts.end()) {
    print_out("{:.1f}% of the interactions are at the same time as another of their user\n",
              100 * tied->second);
  }
  if (fact != protocol.facts.end()) print_out("best possible Recall@10 (test): {:.4f}\n", fact->second);
  print_out("fingerprint {}, written to {}\n", data.fingerprint(), output);
}

/// Tells before the long reading, not after it, that a place cannot be written.
void check_place(const std::string& output) {
  const auto place = nn::followed(output);
  std::error_code ignored;  // an error shows when the file is written
  const auto status = std::filesystem::status(place, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    fail(ErrorKind::io, "cannot write {}: it is not a plain file", output);
  }
  const auto folder = place.has_parent_path() ? place.parent_path() : std::filesystem::path(".");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    fail(ErrorKind::io, "cannot write {}: {}{}", output, std::strerror(errno),
         errno == ENOENT ? "; make its folder first" : "");
  }
}

/// After a split by time only users who are there before and after the cut have a target.
void warn_of_few_targets(const data::Dataset& data) {
  if (data.cuts().empty()) return;
  const auto tested = static_cast<std::int64_t>(data.evaluated_users(data::Split::test).size());
  if (tested >= 100 && 20 * tested >= data.users()) return;
  warn(
      "warning: only {} of {} users {} a test target after the split {}, so test metrics say little; choose "
      "other shares (--split time:A,B) or --split leave-last",
      with_commas(tested), with_commas(data.users()), tested == 1 ? "has" : "have", data.protocol().split);
}

void run_prepare(const PrepareOptions& given) {
  PrepareOptions options = given;
  if (options.raw == "-") options.raw = "/dev/stdin";
  if (options.output == "-") {
    fail(ErrorKind::usage, "a data set cannot be written to standard output; name a file with -o");
  }
  if (options.demo == !options.raw.empty()) {
    fail(ErrorKind::usage, "name a raw file or give --demo: lrurec prepare RAW -o DATA");
  }
  std::error_code ignored;  // a missing file equals no other
  if (!options.raw.empty() && std::filesystem::equivalent(options.raw, options.output, ignored)) {
    fail(ErrorKind::usage, "{} is the raw file itself; choose another name with -o", options.output);
  }
  if (!options.titles.empty()) {
    if (std::filesystem::equivalent(options.titles, options.output, ignored)) {
      fail(ErrorKind::usage, "{} is the file of titles itself; choose another name with -o", options.output);
    }
    // Tells what is wrong with its name before the interactions are read. A pipe can be opened only once.
    if (!std::filesystem::is_other(options.titles, ignored)) {
      const data::LineSource there(options.titles, options.titles_member, data::TextKind::titles);
    }
  }
  check_place(options.output);
  if (std::filesystem::exists(options.output) && !options.force) {
    fail(ErrorKind::usage, "{} exists already; replace it with --force or choose another name with -o",
         options.output);
  }
  data::Dataset data = options.demo ? data::make_demo(options.shape) : from_file(options);
  data::TitlesRead titles;
  if (!options.titles.empty()) {
    titles = timed("reading titles",
                   [&] { return data::read_titles(data, options.titles, options.titles_member); });
    note("titles: the {}, by the {}", titles.title_column, titles.id_column);
  }
  timed("writing", [&] { data.save(options.output); });
  nlohmann::json json = describe(data, options.max_length);
  if (!options.titles.empty()) json["items_with_title"] = titles.found;
  if (options.json) {
    print_json(json);
  } else {
    print(data, json, options.output);
  }
  const auto& facts = data.protocol().facts;
  if (const auto repeated = facts.find("repeated_rows"); repeated != facts.end()) {
    warn(
        "warning: {} {} another's user, item and time. If they are duplicates, remove them first (awk "
        "'!s[$0]++' FILE) or use --ties hash, which brings them together so that they are dropped; otherwise "
        "a target may already be in its user's history and count as missed",
        with_commas(static_cast<std::int64_t>(repeated->second)),
        repeated->second == 1 ? "row repeats" : "rows repeat");
  }
  warn_of_few_targets(data);
}

}  // namespace

void add_prepare(CLI::App& app) {
  auto options = std::make_shared<PrepareOptions>();
  CLI::App* sub =
      app.add_subcommand("prepare", "Read raw logs, filter, order and split them into one data set file");
  sub->add_option("raw", options->raw, "raw file, plain or gz, xz, bz2, zst, zip; - for standard input");
  sub->add_option("-o,--output", options->output, "data set file to write (.lrd)")->required();
  std::vector<std::string> names;
  for (const auto known : data::formats()) names.emplace_back(data::name(known));
  auto* format =
      sub->add_option("--format", options->format,
                      fmt::format("auto (default; prints what it found), {}", fmt::join(names, ", ")));
  auto* columns =
      sub->add_option("--columns", options->columns,
                      "any delimited text: user=..,item=..,time=..,rating=.., each a number from 0 "
                      "or a name in the header; usual names, such as user_id, are found without");
  auto* where = sub->add_option("--where", options->where,
                                "of --columns: only rows whose column has a value, such as event=purchase or "
                                "event=cart,purchase; given again, all must be met")
                    ->allow_extra_args(false);
  auto* time_format =
      sub->add_option(
             "--time-format", options->time_format,
             "of --columns: how dates are written, such as '%d.%m.%Y %H:%M' (as strftime has it); default: "
             "numbers, or dates such as 2022-04-21T07:22")
          ->check(not_empty("a form"));
  auto* delimiter =
      sub->add_option("--delimiter", options->delimiter,
                      "delimiter of --columns: a text, tab or space; default: found from the first line");
  auto* header =
      sub->add_flag("--header", options->header, "with --columns by number: skip the first line, a header");
  auto* skip_bad =
      sub->add_option("--skip-bad", options->skip_bad,
                      "leave out up to this many lines that cannot be read, and say how many (default 0)")
          ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 31));
  auto* member = sub->add_option("--member", options->member, "file inside a zip archive");
  auto* min_rating =
      sub->add_option("--min-rating", options->min_rating, "drop interactions rated below this")
          ->check(number_between(-1e9, 1e9));
  auto* filter = sub->add_option(
      "--filter", options->filter,
      "drop rare items and users: none, once:N (items with fewer than N interactions, then users with fewer "
      "than N of what is left) or kcore:N (repeated until nothing changes); default none for sasrec, else "
      "once:5");
  auto* ties =
      sub->add_option("--ties", options->ties,
                      "order of equal timestamps: file (default), hash or item-id (the paper's MovieLens)");
  auto* split = sub->add_option(
      "--split", options->split,
      "leave-last (default): each user's last two items are the targets; time or time:A,B: train only on the "
      "first share A of all interactions (time is time:0.8,0.9)");
  sub->add_option(
      "--titles", options->titles,
      "file of items' titles, which are then shown beside their ids: u.item, movies.dat, a .item file of "
      "RecBole or a table with a column title; plain or compressed, and may be the same archive as the raw "
      "file");
  sub->add_option("--titles-member", options->titles_member, "file of titles inside a zip archive");
  sub->add_option("--max-length", options->max_length,
                  "L, for the counts of windows and labels that are printed (default 200)")
      ->check(CLI::Range(1, 1000000000));
  auto* demo =
      sub->add_flag("--demo", options->demo, "generate the demonstration data set instead of reading one");
  for (CLI::Option* of_files : {format, columns, where, time_format, delimiter, header, skip_bad, member,
                                min_rating, filter, ties, split}) {
    of_files->excludes(demo);
  }
  sub->add_option("--demo-seed", options->shape.seed, "random seed of the demonstration data")
      ->needs(demo)
      ->check([](const std::string& text) {
        return std::string(text.starts_with('-') ? "must not be negative" : "");
      });
  sub->add_option("--demo-users", options->shape.users, "users of the demonstration data")->needs(demo);
  sub->add_option("--demo-items", options->shape.items, "items of the demonstration data")->needs(demo);
  sub->add_option("--demo-length", options->shape.mean_length,
                  "mean sequence length of the demonstration data")
      ->needs(demo);
  sub->add_flag("--demo-equal-lengths", options->shape.equal_lengths,
                "give all sequences of the demonstration data the mean length")
      ->needs(demo);
  sub->add_flag("--force", options->force, "replace the output file");
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_prepare(*options); });
}

}  // namespace lrurec::command
