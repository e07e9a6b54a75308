// What format a file has, by its first line.

#include <fmt/ranges.h>

#include <algorithm>

#include "lrurec/data/fields.h"
#include "lrurec/data/readers.h"
#include "lrurec/util/text.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

/// The fields of a line, or none where quotes are in places that no delimited text has them.
std::vector<Field> fields_of(const LineSource& source, FieldSplitter& splitter, std::string_view line) {
  try {
    return splitter.split(source, line);
  } catch (const BadLine&) {
    return {};
  }
}

/// What to write after --columns, as far as the names of a header tell.
std::string columns_to_fill(const UsualNames& names) {
  const auto one = [](const std::vector<std::string>& found) { return found.size() == 1 ? found[0] : ".."; };
  return fmt::format("user={},item={},time={}{}", one(names.user), one(names.item), one(names.time),
                     names.rating.empty() ? "" : ",rating=" + one(names.rating));
}

/// Which columns a header has by their usual names. Nothing if it lacks a user or an item; two columns for
/// one thing are ErrorKind::data.
std::optional<Columns> sniff_names(const LineSource& source, std::string_view line) {
  auto delimiters = delimiters_in(line);
  const bool alone = delimiters.size() == 1;  // then --columns finds it too
  if (delimiters.empty()) delimiters = {" "};
  for (const auto& delimiter : delimiters) {
    FieldSplitter splitter(delimiter, /*quotes=*/true);
    const UsualNames names = usual_names(fields_of(source, splitter, line));
    if (names.user.empty() || names.item.empty()) continue;
    const auto one = [&](const char* what, const std::vector<std::string>& found) {
      if (found.size() > 1) {
        source.fail_at(1,
                       fmt::format("both '{}' and '{}' could be the {}; choose with --columns {}", found[0],
                                   found[1], what, columns_to_fill(names)),
                       line);
      }
      return found.empty() ? std::string() : found[0];
    };
    return Columns{.user = one("user", names.user),
                   .item = one("item", names.item),
                   .time = one("time", names.time),
                   .rating = one("rating", names.rating),
                   .delimiter = alone ? "" : delimiter};
  }
  return std::nullopt;
}

std::optional<Sniffed> sniff_line(const LineSource& source, std::string_view line) {
  const auto has = [&](std::string_view text) { return line.find(text) != std::string_view::npos; };
  if (has("user_id:") && has("item_id:")) {
    return Sniffed{Format::inter, "the first line is a header of name:type columns"};
  }
  if (line == "userId,movieId,rating,timestamp")
    return Sniffed{Format::movielens_csv, "its header is MovieLens's"};
  if (line == "user_id,parent_asin,rating,timestamp")
    return Sniffed{Format::amazon_csv, "its header is Amazon's"};
  if (line.starts_with('{')) {
    if (has("\"reviewerID\"") || has("\"asin\"") || has("\"parent_asin\"")) {
      return Sniffed{Format::amazon_json, "the first line is a JSON review with a product's asin"};
    }
    if (has("product_id") && has("username")) {
      return Sniffed{Format::steam, "the first line is a review with username and product_id"};
    }
    return std::nullopt;
  }
  const auto numbers = [](const std::vector<Field>& fields) {
    return std::all_of(fields.begin(), fields.end(),
                       [](const Field& f) { return parse_number(f.text).has_value(); });
  };
  const auto four_numbers = [&](const char* delimiter) {
    FieldSplitter splitter(delimiter, false);
    const auto& fields = splitter.split(source, line);
    return fields.size() == 4 && numbers(fields);
  };
  if (four_numbers("::"))
    return Sniffed{Format::movielens_dat, "the first line is four numbers between '::'"};
  if (four_numbers("\t"))
    return Sniffed{Format::movielens_tab, "the first line is four numbers between tabs"};
  FieldSplitter blanks(" ", false);
  const auto& words = blanks.split(source, line);
  const auto counts = [](const Field& f) { return is_whole_number(f.text) && !f.text.starts_with('0'); };
  if (words.size() == 2 && counts(words[0]) && counts(words[1])) {
    return Sniffed{Format::sasrec, "the first line is two whole numbers"};
  }
  FieldSplitter commas(",", true);
  const auto fields = fields_of(source, commas, line);
  if (fields.size() == 4 && parse_number(fields[2].text) && parse_number(fields[3].text)) {
    if (const auto item_first = item_comes_first(fields)) {
      return Sniffed{Format::amazon_csv, fmt::format("the first line is {}, a rating and a time",
                                                     *item_first ? "a product of 10 characters, a reviewer"
                                                                 : "a reviewer, a product of 10 characters")};
    }
  }
  if (auto columns = sniff_names(source, line)) {
    return Sniffed{Format::columns, "the header has their usual names", std::move(*columns)};
  }
  return std::nullopt;
}

/// The line fits no format.
[[noreturn]] void fail_unknown(const LineSource& source, std::string_view line) {
  const std::string what =
      "cannot tell the format of this line; name it with --format, or its columns with --columns ";
  const auto delimiters = delimiters_in(line);
  FieldSplitter splitter(delimiters.size() == 1 ? delimiters[0] : "\t", /*quotes=*/true);
  const auto fields = fields_of(source, splitter, line);
  const bool header =
      fields.size() > 1 && !line.starts_with('{') && std::ranges::none_of(fields, [](const Field& f) {
        return blank(f.text) || parse_time(f.text).has_value();
      });
  if (!header) source.fail_at(1, what + "user=..,item=..,time=..", line);
  std::vector<std::string> all;
  for (const Field& field : fields) all.emplace_back(without_blanks(field.text));
  fail(ErrorKind::data, "{}:{}:1: {}", source.path(), source.line_number(),
       util::printable(fmt::format("{}{}, where .. is one of {}", what, columns_to_fill(usual_names(fields)),
                                   fmt::join(all, ", ")),
                       1000));
}

}  // namespace

Sniffed sniff_format(const std::filesystem::path& path, const std::string& member) {
  LineSource source(path, member);
  if (!std::filesystem::is_regular_file(path)) {  // what is read here would be missing afterwards
    fail(ErrorKind::usage, "{} can be read only once; name its format with --format or --columns",
         path == "/dev/stdin" ? "standard input" : path.string());
  }
  const auto line = first_line(source);
  if (!line) fail(ErrorKind::data, "{}: the file is empty; is it the right one?", path.string());
  if (const auto sniffed = sniff_line(source, *line)) return *sniffed;
  fail_unknown(source, *line);
}

}  // namespace lrurec::data
