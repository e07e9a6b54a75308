#include "lrurec/util/text.h"

#include <gtest/gtest.h>

#include "lrurec/util/json.h"
#include "lrurec/util/numbers.h"

namespace lrurec::util {
namespace {

TEST(Numbers, ANounHasItsPlural) {
  EXPECT_EQ(counted(0, "step"), "0 steps");
  EXPECT_EQ(counted(1, "step"), "1 step");
  EXPECT_EQ(counted(12345, "step"), "12,345 steps");
}

TEST(Text, WhatCommandsATerminalIsWrittenOut) {
  EXPECT_EQ(visible("a\x1b[31m\a\x7f"), "a\\x1b[31m\\x07\\x7f");
  EXPECT_EQ(visible("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(visible("\xC2\x9B"
                    "31m"),
            "\\u009b31m")
      << "CSI as one character";
  EXPECT_EQ(visible("a\xE2\x80\xAE"
                    "b\xE2\x81\xA6"
                    "c\xE2\x80\x8F"
                    "d\xD8\x9C"),
            "a\\u202eb\\u2066c\\u200fd\\u061c");
  EXPECT_EQ(visible("\xFF"
                    "a\xC3"),
            "\\xffa\\xc3");
  EXPECT_EQ(visible("a\nb\tc\r"), "a\\nb\\tc\\x0d");
  EXPECT_EQ(visible("a\nb\tc\r", LineEnds::keep), "a\nb\tc\\x0d");
}

TEST(Text, PrintableIsCut) {
  EXPECT_EQ(printable("a\tb\x1b[31m"), "a\\tb\\x1b[31m");
  EXPECT_EQ(printable(std::string(100, 'x')), std::string(80, 'x') + "...");
  EXPECT_EQ(printable("caf\xC3\xA9", 4), "caf\\xc3...");
}

TEST(Text, CsvCellsAreNoFormulas) {
  EXPECT_EQ(csv_cell("i1"), "i1");
  EXPECT_EQ(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
  EXPECT_EQ(csv_cell("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
  for (const char* formula : {"=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1"}) {
    EXPECT_EQ(csv_cell(formula), std::string("'") + formula);
  }
  EXPECT_EQ(csv_cell("'@a"), "''@a") << "or it would be that of @a";
  EXPECT_EQ(csv_cell("-5"), "-5");
  EXPECT_EQ(csv_cell("+1.5"), "+1.5");
}

TEST(Json, DeepNestingIsNoJson) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_FALSE(parse_json(nested(64)).is_discarded());
  EXPECT_TRUE(parse_json(nested(65)).is_discarded());
  EXPECT_TRUE(parse_json(nested(1000000)).is_discarded());
  EXPECT_FALSE(parse_json("\"" + std::string(1000, '[') + "\"").is_discarded()) << "in a text it is text";
  EXPECT_TRUE(parse_json("\"\\\"" + std::string("\",") + nested(70)).is_discarded());
  EXPECT_FALSE(parse_json("[" + std::string(999, ' ') + "1, [2], [3], {\"a\": [4]}]").is_discarded());
}

TEST(Json, WhatWouldBeTakenOtherwiseThanSentIsTold) {
  const auto problem = [](const char* text) { return parse_sent_json(text).problem; };
  EXPECT_EQ(problem(R"({"a": 1, "b": {"a": [{"a": 2}, {"a": 3}]}, "c": "-0 1e400 \"-0"})"), "");
  EXPECT_EQ(problem(R"({"a": -0.5, "b": [-1, 0, 1e-400, 1e300]})"), "");
  EXPECT_EQ(problem(R"({"a": 1, "\u0061": 1})"), "has \"a\" twice");
  EXPECT_EQ(problem(R"({"a": [{"b": 1, "c": {"b": 1}, "b": 2}]})"), "has \"b\" twice");
  EXPECT_EQ(problem(R"({"a": [-0]})"), "has the number -0; write an id as text");
  for (const std::string& number : {std::string("1e400"), std::string("-1E+999"), std::string(400, '9')}) {
    const auto sent = parse_sent_json("{\"a\": [" + number + "], \"b\": 7}");
    EXPECT_EQ(sent.problem, "has a number that is too large");
    EXPECT_EQ(sent.value.value("b", 0), 7);
  }
  for (const char* text : {"", "-", "{\"a\": 1e}", "1 2", "\"", "{\"a\": 01}", "\"\\"}) {
    EXPECT_TRUE(parse_sent_json(text).value.is_discarded()) << text;
  }
  EXPECT_TRUE(parse_sent_json(std::string(100000, '[')).value.is_discarded());
}

TEST(Json, TextThatIsNoUtf8IsReplacedAndMarksAreEscaped) {
  EXPECT_EQ(json_text({{"a", "x\xFFy"}}), "{\"a\":\"x\xEF\xBF\xBDy\"}");
  const std::string hostile = "\x1b]0;\xC2\x9B\xE2\x80\xAE\x7F caf\xC3\xA9";
  const std::string text = json_text(hostile);
  EXPECT_EQ(text, "\"\\u001b]0;\\u009b\\u202e\\u007f caf\xC3\xA9\"");
  EXPECT_EQ(parse_json(text), hostile) << "the value is the same";
}

TEST(Json, DeepTomlKeysAreSeen) {
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += " . \"b\"";
  EXPECT_TRUE(has_deep_toml_key(deep + " = 1"));
  EXPECT_TRUE(has_deep_toml_key("x = 1\n[" + deep + "]\n"));
  EXPECT_TRUE(has_deep_toml_key("x = {" + deep + " = 1}"));
  std::string numbers = "x = [0.1";
  for (int i = 0; i < 100; ++i) numbers += ", 0.2";
  EXPECT_FALSE(has_deep_toml_key(numbers + "] # " + std::string(200, '.')));
  // A text over several lines ends with three quotes, before which one or two more are its own; the key
  // behind it was taken for a text, and its parser ran out of stack.
  for (const std::string text : {R"("""a"""" # """")", R"('''a'''' # '''')", R"("""a""""" # """"")",
                                 R"('''a''''' # ''''')", R"("""a\"""b""" # """)", R"("""\\""" # """)"}) {
    EXPECT_TRUE(has_deep_toml_key("x = " + text + "\n[" + deep + "]\n")) << text;
    EXPECT_FALSE(has_deep_toml_key("x = " + text + "\n[a]\n")) << text;
  }
}

}  // namespace
}  // namespace lrurec::util
