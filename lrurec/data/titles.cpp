#include "lrurec/data/titles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "lrurec/data/fields.h"
#include "lrurec/util/text.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

/// The delimiter that comes first: titles and what follows them may contain the others.
std::string delimiter_of(std::string_view line) {
  std::string first = ",";
  for (const char* one : {"::", "|", "\t"}) {
    if (line.find(one) < line.find(first)) first = one;
  }
  return first;
}

struct TitleColumns {
  std::size_t id = 0, title = 1;
  bool header = false;
};

/// A column's name without case and RecBole's type.
std::string plain(std::string_view name) {
  std::string text(name.substr(0, name.find(':')));
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c < 128 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
  });
  return text;
}

/// Of the first line; `is_item`: whether a text is the id of an item, which no header is.
template <class IsItem>
TitleColumns title_columns(const std::vector<Field>& first, const IsItem& is_item) {
  TitleColumns columns;
  // Looks for these names in turn, the most specific ones first.
  const auto find = [&](std::initializer_list<std::string_view> names, std::size_t& column) {
    for (const auto name : names) {
      const auto it = std::ranges::find(first, name, [](const Field& field) { return plain(field.text); });
      if (it == first.end()) continue;
      column = static_cast<std::size_t>(it - first.begin());
      return true;
    }
    return false;
  };
  const TitleColumns no_header;
  const bool has_title = find({"title", "movie_title", "name"}, columns.title);
  const bool has_id =
      find({"item_id", "itemid", "movieid", "movie_id", "parent_asin", "asin", "item", "id"}, columns.id);
  if (!has_title) {
    if (has_id && first.size() > 2 && !is_item(first[columns.id].text)) {
      throw std::invalid_argument("no column of this header is called title, name or movie_title");
    }
    return no_header;
  }
  if (!has_id) columns.id = columns.title == 0 ? 1 : 0;
  if (columns.id < first.size() && is_item(first[columns.id].text)) return no_header;
  columns.header = true;
  return columns;
}

}  // namespace

TitlesRead read_titles(Dataset& data, const std::filesystem::path& path, const std::string& member) {
  std::unordered_map<std::string_view, std::int64_t> items;
  for (std::int64_t item = 1; item <= data.items(); ++item) items.emplace(data.item_name(item), item);

  LineSource source(path, member, TextKind::titles);
  std::vector<std::string> titles(static_cast<std::size_t>(data.items()));
  std::optional<FieldSplitter> splitter;
  TitleColumns columns;
  TitlesRead read;
  while (const auto line = source.next()) {
    if (blank(*line)) continue;
    const bool first = !splitter;
    if (first) {
      const std::string delimiter = delimiter_of(*line);
      splitter.emplace(delimiter, /*quotes=*/delimiter == ",");
    }
    const auto& fields = splitter->split(source, *line);
    if (first) {
      try {
        columns = title_columns(fields, [&](std::string_view text) { return items.contains(text); });
      } catch (const std::invalid_argument& e) {
        source.fail_at(1, e.what(), *line);
      }
      const auto name_of = [&](std::size_t i) {
        return columns.header ? fmt::format("column '{}'", util::printable(fields[i].text))
                              : std::string(i == 0 ? "first field" : "second field");
      };
      read.id_column = name_of(columns.id), read.title_column = name_of(columns.title);
      if (columns.header) continue;
    }
    if (fields.size() <= std::max(columns.id, columns.title)) {
      source.fail_at(line->size() + 1, "a line of titles needs an id and a title", *line);
    }
    const auto item = items.find(fields[columns.id].text);
    if (item == items.end()) continue;
    std::string& title = titles[static_cast<std::size_t>(item->second - 1)];
    if (!title.empty() || fields[columns.title].text.empty()) continue;
    title = fields[columns.title].text;
    ++read.found;
  }
  if (read.found == 0) {
    fail(ErrorKind::data,
         "{} has a title for none of the items, whose first is '{}'; is it the file of these data, with the "
         "same ids?",
         source.path(), data.item_name(1));
  }
  StringTable table;
  for (const auto& title : titles) table.add(title);
  data.set_titles(std::move(table));
  return read;
}

}  // namespace lrurec::data
