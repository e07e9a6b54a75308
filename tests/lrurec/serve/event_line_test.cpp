#include "lrurec/serve/event_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "lrurec/model/lrurec.h"
#include "lrurec/util/json.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/parameters.h"

namespace lrurec::serve {
namespace {

/// Some users' events in a mixed order, some of them several times in a row, and lines that cannot be used.
std::vector<std::string> mixed_events() {
  std::vector<std::string> lines;
  for (std::int64_t t = 0; t < 150; ++t) {
    const std::int64_t user = t * t % 13, item = 1 + t * 17 % 40;
    lines.push_back(fmt::format(R"({{"user": "u{}", "item": "i{}"{}}})", user, item,
                                t % 10 == 3   ? R"(, "k": 0)"
                                : t % 10 == 7 ? R"(, "k": 100)"
                                              : ""));
    if (t % 20 == 5) lines.emplace_back("{broken");
    if (t % 20 == 9) lines.push_back(fmt::format(R"({{"user": "u{}", "item": "nope"}})", user));
    if (t % 20 == 11) lines.push_back(fmt::format("i{}", item));
    if (t % 20 == 13) lines.emplace_back(R"({"user": "u1"})");
  }
  return lines;
}

std::vector<EventAnswer> all_answers(std::span<const std::string> lines, const Catalogue& catalogue,
                                     SessionStore& store, std::int64_t most_results = 1 << 18) {
  std::vector<EventAnswer> answers;
  answer_events(
      lines, {5}, catalogue, store, [&](const EventAnswer& one) { answers.push_back(one); }, most_results);
  return answers;
}

// However many lines arrive together, and whether or not the model's steps can be joined, all answers and
// states are those of the lines one by one.
TEST(AnswerEvents, TogetherAreThoseOneByOne) {
  const data::Dataset data = test::small_demo();
  const Catalogue catalogue(data);
  const test::TemporaryFolder folder;
  const std::vector<std::string> lines = mixed_events();
  for (const bool swiglu : {false, true}) {
    model::ModelConfig config{.num_items = data.items(), .hidden = 8, .channels = 12};
    if (swiglu) config.network = "swiglu";
    model::LRURec model(config, 3);
    test::spread_parameters(model);
    const model::IncrementalModel incremental(model);
    EXPECT_EQ(incremental.has_fixed_bits(), !swiglu);
    for (const bool exclude_seen : {false, true}) {
      SessionStore alone(incremental, "weights", exclude_seen);
      std::vector<std::string> expected;
      for (const auto& line : lines) {
        const auto answer = all_answers({&line, 1}, catalogue, alone);
        ASSERT_EQ(answer.size(), 1U);
        EXPECT_EQ(answer[0].failed, answer[0].line.find("\"error\"") != std::string::npos);
        EXPECT_EQ(util::json_text(nlohmann::json::parse(answer[0].line)), answer[0].line);
        expected.push_back(answer[0].line);
      }
      alone.save(folder / "alone");
      for (const std::size_t gulp :
           {std::size_t{2}, std::size_t{7}, std::size_t{64}, lines.size(), lines.size() + 1}) {
        const std::int64_t most_results = gulp > lines.size() ? 12 : 1 << 18;  // the last in parts
        SessionStore store(incremental, "weights", exclude_seen);
        std::vector<std::string> found;
        for (std::size_t at = 0; at < lines.size(); at += gulp) {
          const auto some = std::span(lines).subspan(at, std::min(gulp, lines.size() - at));
          for (const auto& answer : all_answers(some, catalogue, store, most_results))
            found.push_back(answer.line);
        }
        EXPECT_EQ(found, expected) << gulp << " at once";
        store.save(folder / "together");
        EXPECT_EQ(test::read_text(folder / "together"), test::read_text(folder / "alone"))
            << gulp << " at once";
      }
    }
  }
}

TEST(AnswerEvents, ErrorsCountTheHistoryToBeginWith) {
  const data::Dataset data = test::small_demo();
  const Catalogue catalogue(data);
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const model::IncrementalModel incremental(model);
  SessionStore store(
      incremental, "weights", true, [&](std::int64_t number) { return data.sequence(number - 1); }, 5);
  const std::string user(data.user_name(2)), item(data.item_name(1));
  const auto event = [&](const std::string& taken) {
    return fmt::format(R"({{"user": "{}", "item": "{}"}})", user, taken);
  };
  const std::vector<std::string> events{event("nope"), event(item), event("nope")};
  const auto answers = all_answers(events, catalogue, store);
  const auto history = std::ssize(data.sequence(2));
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(nlohmann::json::parse(answers[0].line)["events"], history);
  EXPECT_EQ(nlohmann::json::parse(answers[1].line)["events"], history + 1);
  EXPECT_EQ(nlohmann::json::parse(answers[2].line)["events"], history + 1);
}

// Regression: the answer to a line with a misspelt key did not name its user, so the sender could not tell
// which line it was.
TEST(AnswerEvents, ErrorsNameTheUserWhateverIsWrong) {
  const data::Dataset data = test::small_demo();
  const Catalogue catalogue(data);
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const model::IncrementalModel incremental(model);
  SessionStore store(incremental, "weights", true);
  const std::vector<std::string> events{R"({"user": "anna", "itme": "i1"})", R"({"user": "anna"})",
                                        R"({"user": "anna", "item": "i1", "k": -1})"};
  for (const auto& answer : all_answers(events, catalogue, store)) {
    EXPECT_TRUE(answer.failed);
    EXPECT_EQ(nlohmann::json::parse(answer.line).value("user", ""), "anna") << answer.line;
  }
}

// Regression: of two equal keys the last was taken, -0 was taken for 0, and an event with a large number was
// called no JSON.
TEST(AnswerEvents, WhatIsNotTakenAsItWasSentIsAnError) {
  const data::Dataset data = test::small_demo();
  const Catalogue catalogue(data);
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const model::IncrementalModel incremental(model);
  SessionStore store(incremental, "weights", true);
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"user": "u1", "user": "u2", "item": "i1"})", "the event has \"user\" twice"},
      {R"({"user": -0, "item": "i1"})", "the event has the number -0"},
      {R"({"user": 1e400, "item": "i1"})", "the event has a number that is too large"},
      {R"({"item": "i1", "k": 1e400, "user": "anna"})", "the event has a number that is too large"}};
  for (const auto& [line, error] : cases) {
    const auto answer = nlohmann::json::parse(all_answers({&line, 1}, catalogue, store).at(0).line);
    EXPECT_EQ(answer.value("error", "").find(error), 0U) << answer;
    EXPECT_EQ(answer.contains("user"),
              line.find("\"anna\"") != std::string::npos || line.find("u2") != std::string::npos)
        << answer;
  }
  EXPECT_EQ(store.users(), 0U);
}

TEST(AnswerEvents, NothingIsAnsweredByNothing) {
  const data::Dataset data = test::small_demo();
  const Catalogue catalogue(data);
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12}, 3);
  const model::IncrementalModel incremental(model);
  SessionStore store(incremental, "weights", true);
  EXPECT_TRUE(all_answers({}, catalogue, store).empty());
}

}  // namespace
}  // namespace lrurec::serve
