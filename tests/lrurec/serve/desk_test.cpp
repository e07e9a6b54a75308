#include "lrurec/serve/desk.h"

#include <gtest/gtest.h>

#include <set>

#include "lrurec/model/lrurec.h"
#include "lrurec/util/json.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::serve {
namespace {

const std::vector<std::string> odd_texts{"plain",
                                         "a \"quoted\" one",
                                         "back\\slash",
                                         "tab\tand\x01",
                                         "\x1b[31mred",
                                         "caf\xc3\xa9",
                                         "no utf8 \xff\xfe",
                                         "turned \xe2\x80\xae round",
                                         "del\x7f",
                                         " ",
                                         "{}"};

data::Dataset odd_dataset() {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> ids;
  data::StringTable users, items, titles;
  const auto count = static_cast<std::int32_t>(odd_texts.size());
  for (std::int32_t u = 0; u < count; ++u) {
    for (std::int32_t t = 0; t < 4; ++t) ids.push_back(1 + (u * 3 + t * 5) % count);
    offsets.push_back(std::ssize(ids));
    users.add(odd_texts[static_cast<std::size_t>(u)]);
  }
  for (std::size_t i = 0; i < odd_texts.size(); ++i) {
    items.add(odd_texts[i]);
    titles.add(i % 3 == 0 ? "" : odd_texts[odd_texts.size() - 1 - i]);
  }
  data::Dataset data(offsets, ids, users, items, {});
  data.set_titles(titles);
  return data;
}

std::vector<std::string> all_lines(const Desk& desk, const std::vector<Asked>& asked,
                                   std::int64_t most_results = 1 << 18) {
  std::vector<std::string> lines;
  desk.answer_lines(
      asked, [&](const std::string& line) { lines.push_back(line); }, most_results);
  return lines;
}

TEST(Desk, LinesAreTheAnswersAsJson) {
  for (const data::Dataset& data : {odd_dataset(), test::small_demo()}) {
    const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
    for (const bool include_seen : {false, true}) {
      const Desk desk(data, model, {5, "all", {}, 4, include_seen});
      std::vector<std::string> lines{
          R"({"items": [], "k": 2})",       R"({"items": ["nope", "plain"], "id": {"b": [1.50, null]}})",
          R"({"user": "nobody \u001b"})",   "no JSON",
          R"({"user": 7, "id": "\u202e"})", R"({"items": ["no\"pe", 3], "exclude": ["x\ty"]})",
          R"({"user": "plain", "k": 99})"};
      for (std::int64_t u = 0; u < data.users(); ++u) {
        lines.push_back(util::json_text({{"user", std::string(data.user_name(u))}, {"k", 1 + u % 5}}));
      }
      const auto asked = desk.parse(lines);
      const auto answers = desk.answer(asked);
      const auto texts = all_lines(desk, asked);
      ASSERT_EQ(texts.size(), lines.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_EQ(texts[i], util::json_text(answers[i])) << lines[i];
        EXPECT_EQ(texts[i], util::json_text(desk.answer({desk.parse(lines[i])}).front()))
            << "alone: " << lines[i];
      }
    }
  }
}

// Regression: the results of all requests that were read together were held at once, whatever their k.
TEST(Desk, LinesAreHandedOutBeforeTheyHoldTooMuch) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const Desk desk(data, model, {5, "all", {}, data.items(), true});
  std::vector<std::string> lines;
  for (std::int64_t i = 0; i < 64; ++i) {
    const std::string item(data.item_name(1 + i % data.items()));
    lines.push_back(i % 9 == 4 ? "nonsense" : util::json_text({{"items", {item}}, {"id", i}}));
  }
  auto asked = desk.parse(lines);
  const auto whole = all_lines(desk, asked);
  for (const std::int64_t most : {std::int64_t{1}, 3 * data.items(), 10 * data.items() + 1}) {
    EXPECT_EQ(all_lines(desk, asked, most), whole) << most;
  }
  // If a request at the end fails, the lines before it have been handed out.
  asked.back().request.history = {-1};
  std::size_t handed_out = 0;
  test::expect_error(ErrorKind::internal, "is not in 1..", [&] {
    desk.answer_lines(
        asked, [&](const std::string&) { ++handed_out; }, 3 * data.items());
  });
  EXPECT_GE(handed_out, 60U);
  EXPECT_LT(handed_out, 64U);
}

// Regression: of two equal keys the last was taken, -0 was taken for 0, digits of an id were lost, and a
// request with a large number was called no JSON.
TEST(Desk, WhatIsNotTakenAsItWasSentIsAnError) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const Desk desk(data, model, {5, "all", {}, 4, false});
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"items": ["i1"], "items": ["i2"], "k": 1})", "the request has \"items\" twice"},
      {R"({"id": 8, "items": ["i1"], "id": 9})", "the request has \"id\" twice"},
      {R"({"id": 7, "items": ["i1"], "k": 1e400})", "the request has a number that is too large"},
      {R"({"items": ["i1"], "k": 1e400, "id": 7})", "the request has a number that is too large"},
      {R"({"id": 1e400, "items": ["i1"]})", "the request has a number that is too large"},
      {R"({"id": {"a": [123456789012345678901234567890]}, "items": ["i1"]})",
       "the request has an \"id\" of too many digits"},
      {R"({"items": [-0]})", "the request has the number -0"}};
  for (const auto& [line, error] : cases) {
    const Asked asked = desk.parse(line);
    EXPECT_EQ(asked.error.find(error), 0U) << asked.error;
    EXPECT_EQ(asked.echo.value("id", 0) == 7,
              line.find("7,") != std::string::npos || line.find("7}") != std::string::npos)
        << line;
    if (line.find("1e400, \"items") != std::string::npos || line.find("\"a\"") != std::string::npos) {
      EXPECT_FALSE(asked.echo.contains("id")) << line;
    }
  }
}

// Regression: items excluded from all answers came back in answers to requests that exclude items of their
// own.
TEST(Desk, WhatARequestExcludesIsExcludedBesideTheRest) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const Desk desk(data, model, {5, "all", {"i3", "i4"}, data.items(), true});
  for (const char* line : {R"({"items": ["i1"]})", R"({"items": ["i1"], "exclude": ["i5"]})",
                           R"({"items": ["i1"], "exclude": []})"}) {
    const auto answer = desk.answer({desk.parse(line)}).front();
    std::set<std::string> found;
    for (const auto& one : answer["items"]) found.insert(one["item"].get<std::string>());
    EXPECT_FALSE(found.contains("i3") || found.contains("i4")) << line;
    EXPECT_EQ(found.contains("i5"), std::string_view(line).find("i5") == std::string_view::npos) << line;
    EXPECT_TRUE(found.contains("i1")) << line;
  }
}

TEST(Desk, ErrorsNameTheRequestToo) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const Desk desk(data, model, {5, "all", {}, 4, false});
  for (const char* line :
       {R"({"id": 7, "usr": "u1"})", R"({"id": 7, "user": "u1", "items": []})",
        R"({"id": 7, "user": "u1", "k": 0})", R"({"id": 7, "user": "u1", "nonsense": 1})"}) {
    const auto asked = desk.parse(line);
    EXPECT_FALSE(asked.error.empty()) << line;
    EXPECT_EQ(asked.echo.value("id", 0), 7) << line;
    const bool named = std::string(line).find("\"user\"") != std::string::npos;
    EXPECT_EQ(asked.echo.value("user", ""), named ? "u1" : "") << line;
  }
  // An id comes back as it was, or is an error.
  const auto largest = desk.parse(R"({"id": 18446744073709551615, "items": []})");
  EXPECT_EQ(largest.error, "");
  EXPECT_EQ(util::json_text(largest.echo), R"({"id":18446744073709551615})");
  const auto larger = desk.parse(R"({"id": 18446744073709551617, "items": []})");
  EXPECT_NE(larger.error.find("too many digits"), std::string::npos) << larger.error;
  EXPECT_FALSE(larger.echo.contains("id"));
}

}  // namespace
}  // namespace lrurec::serve
