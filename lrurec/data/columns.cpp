#include "lrurec/data/columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "lrurec/data/fields.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

constexpr std::string_view user_names[]{"user",       "userid",   "userno",    "customer", "customerid",
                                        "customerno", "visitor",  "visitorid", "reviewer", "reviewerid",
                                        "memberid",   "clientid", "accountid"};
constexpr std::string_view item_names[]{"item",       "itemid",  "itemno", "product",  "productid",
                                        "productno",  "movieid", "sku",    "skuid",    "asin",
                                        "parentasin", "trackid", "songid", "artistid", "articleid",
                                        "businessid", "bookid",  "isbn",   "videoid",  "gameid"};
constexpr std::string_view time_names[]{
    "timestamp",     "time",      "ts",        "date",           "datetime",       "unixtime",
    "unixtimestamp", "eventtime", "eventdate", "eventtimestamp", "unixreviewtime", "reviewtime",
    "reviewdate",    "createdat", "orderdate", "purchasedate"};
constexpr std::string_view rating_names[]{"rating", "ratings", "stars", "starrating", "score", "overall"};

/// "user_id", "userId" and "User ID" as "userid".
std::string bare(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '_' || c == '-' || c == ' ') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

Condition Condition::parse(const std::string& text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  Condition condition{std::string(without_blanks(std::string_view(text).substr(0, equals))), {}};
  for (std::size_t at = equals + 1; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    condition.values.emplace_back(without_blanks(std::string_view(text).substr(at, end - at)));
    at = end + 1;
  }
  if (condition.column.empty() || condition.values.empty()) {
    fail(ErrorKind::usage,
         "--where: '{}' is no condition; it must be COLUMN=VALUE or COLUMN=VALUE,VALUE, such as "
         "event=purchase",
         text);
  }
  return condition;
}

std::string Condition::text() const { return fmt::format("{}={}", column, fmt::join(values, ",")); }

Columns Columns::parse(const std::string& text) {
  Columns columns;
  const auto wrong = [](const std::string& why) {
    fail(ErrorKind::usage,
         "--columns: {}; it must be user=..,item=.. and may have time=.. and rating=.., each a number from 0 "
         "or a name in the header",
         why);
  };
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part(without_blanks(std::string_view(text).substr(at, end - at)));
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string key(without_blanks(std::string_view(part).substr(0, equals)));
    const std::string value(without_blanks(std::string_view(part).substr(std::min(equals + 1, part.size()))));
    std::string* member = key == "user"     ? &columns.user
                          : key == "item"   ? &columns.item
                          : key == "time"   ? &columns.time
                          : key == "rating" ? &columns.rating
                                            : nullptr;
    if (member == nullptr) wrong(fmt::format("'{}' is none of user, item, time, rating", key));
    if (value.empty()) wrong(fmt::format("'{}' names no column", part));
    if (!member->empty()) wrong(fmt::format("'{}' is given twice", key));
    *member = value;
    at = end + 1;
  }
  if (columns.user.empty()) wrong("'user' is missing");
  if (columns.item.empty()) wrong("'item' is missing");
  if (columns.user == columns.item) {
    fail(ErrorKind::usage, "--columns: user and item are the same column, '{}'", columns.user);
  }
  return columns;
}

std::string Columns::flags() const {
  std::string text = fmt::format("user={},item={}", user, item);
  if (!time.empty()) text += ",time=" + time;
  if (!rating.empty()) text += ",rating=" + rating;
  if (text.find(' ') != std::string::npos) text = "'" + text + "'";
  if (!delimiter.empty()) text += fmt::format(" --delimiter {}", delimiter_name(delimiter));
  return "--columns " + text;
}

UsualNames usual_names(const std::vector<Field>& header) {
  UsualNames found;
  for (const Field& field : header) {
    const std::string name = bare(field.text);
    const auto add = [&](std::span<const std::string_view> names, std::vector<std::string>& to) {
      if (std::ranges::find(names, name) != names.end()) to.emplace_back(without_blanks(field.text));
    };
    add(user_names, found.user);
    add(item_names, found.item);
    add(time_names, found.time);
    add(rating_names, found.rating);
  }
  return found;
}

std::vector<std::string> delimiters_in(std::string_view line) {
  std::vector<std::string> found;
  for (const char* candidate : {"\t", "::", ",", ";", "|"}) {
    if (line.find(candidate) != std::string_view::npos) found.emplace_back(candidate);
  }
  return found;
}

std::string delimiter_name(const std::string& delimiter) {
  if (delimiter == "\t") return "tab";
  if (delimiter == " ") return "space";
  return delimiter == ";" || delimiter == "|" ? "'" + delimiter + "'" : delimiter;
}

}  // namespace lrurec::data
