#include "lrurec/serve/desk.h"

#include <gtest/gtest.h>

#include <set>

#include "lrurec/model/lrurec.h"
#include "lrurec/util/json.h"
#include "tests/support/data.h"

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
      const auto texts = desk.answer_lines(asked);
      ASSERT_EQ(texts.size(), lines.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_EQ(texts[i], util::json_text(answers[i])) << lines[i];
        EXPECT_EQ(texts[i], util::json_text(desk.answer({desk.parse(lines[i])}).front()))
            << "alone: " << lines[i];
      }
    }
  }
}

// Items excluded from all answers came back in those to requests that exclude some of their own.
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
