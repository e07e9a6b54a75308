#include "lrurec/data/writers.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "lrurec/data/fields.h"
#include "lrurec/util/text.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

constexpr std::int64_t first_time = 978307200;  // the year 2001

/// What the reader of SASRec's form takes and leaves as it is: positive, below 2^63, without leading zeros.
bool is_sasrec_id(std::string_view id) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
  return error == std::errc{} && end == id.data() + id.size() && value > 0 && id[0] != '0';
}

void check_id(Format format, std::string_view id) {
  const bool words = format != Format::sasrec && format != Format::movielens_dat &&
                     format != Format::movielens_csv && format != Format::movielens_tab;
  const bool json = format == Format::amazon_json || format == Format::steam;
  if (id.find('\0') != std::string_view::npos || util::find_invalid_utf8(id) != std::string_view::npos) {
    fail(ErrorKind::data, "the id '{}' is no text; try --numbers", util::printable(id));
  }
  const char* delimiters = format == Format::inter ? "\t\n\r" : "\t,\"\n\r";
  const bool fits = words ? json || id.find_first_of(delimiters) == std::string_view::npos
                    : format == Format::sasrec ? is_sasrec_id(id)
                                               : is_whole_number(id);
  if (!fits) {
    fail(ErrorKind::data, "the id '{}' cannot be written as {}{}", util::printable(id), name(format),
         words                      ? "; --format amazon-json holds any text"
         : format == Format::sasrec ? ", whose ids are 1, 2, 3, ...; try --numbers or --format inter"
                                    : ", which has whole numbers; try --numbers or --format inter");
  }
}

std::string row(Format format, std::string_view user, std::string_view item, std::int64_t index) {
  const std::int64_t time = first_time + index;
  switch (format) {
    case Format::sasrec:
      return fmt::format("{} {}\n", user, item);
    case Format::inter:
      return fmt::format("{}\t{}\t5\t{}\n", user, item, time);
    case Format::movielens_dat:
      return fmt::format("{}::{}::5::{}\n", user, item, time);
    case Format::movielens_csv:
      return fmt::format("{},{},5.0,{}\n", user, item, time);
    case Format::movielens_tab:
      return fmt::format("{}\t{}\t5\t{}\n", user, item, time);
    case Format::amazon_csv:
      return fmt::format("{},{},5.0,{}\n", user, item, time);
    case Format::amazon_json:
      return nlohmann::json{{"reviewerID", user}, {"asin", item}, {"overall", 5.0}, {"unixReviewTime", time}}
                 .dump() +
             "\n";
    case Format::steam: {
      const std::chrono::sys_days day = std::chrono::sys_days(std::chrono::days(first_time / 86400 + index));
      const std::chrono::year_month_day date(day);
      const auto text = [](std::string_view id) {
        std::string escaped;
        for (const char c : id) {
          if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
            continue;
          }
          if (c == '\'' || c == '\\') escaped += '\\';
          escaped += c;
        }
        return escaped;
      };
      return fmt::format("{{u'username': u'{}', u'product_id': u'{}', u'date': u'{:04}-{:02}-{:02}'}}\n",
                         text(user), text(item), static_cast<int>(date.year()),
                         static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    }
    case Format::columns:
      break;
  }
  fail(ErrorKind::internal, "[write_raw] no format");
}

std::string_view header(Format format) {
  if (format == Format::inter) return "user_id:token\titem_id:token\trating:float\ttimestamp:float\n";
  if (format == Format::movielens_csv) return "userId,movieId,rating,timestamp\n";
  if (format == Format::amazon_csv) return "user_id,parent_asin,rating,timestamp\n";
  return "";
}

}  // namespace

RawText raw_text(const Dataset& data, Format format, bool numbers) {
  std::vector<std::string> items;
  for (std::int64_t i = 1; i <= data.items(); ++i) {
    items.push_back(numbers ? std::to_string(i) : std::string(data.item_name(i)));
    check_id(format, items.back());
  }
  RawText raw{std::string(header(format))};
  for (std::int64_t u = 0; u < data.users(); ++u) {
    const std::string user = numbers ? std::to_string(u + 1) : std::string(data.user_name(u));
    check_id(format, user);
    std::int64_t index = 0;
    std::int32_t before = 0;
    for (const auto item : data.sequence(u)) {
      raw.repeats += item == std::exchange(before, item) ? 1 : 0;
      raw.text += row(format, user, items[static_cast<std::size_t>(item - 1)], index++);
    }
  }
  return raw;
}

std::int64_t write_raw(const Dataset& data, Format format, const std::filesystem::path& path, bool numbers) {
  const RawText raw = raw_text(data, format, numbers);
  nn::write_file_atomically(path, {nn::as_bytes(raw.text)});
  return raw.repeats;
}

}  // namespace lrurec::data
