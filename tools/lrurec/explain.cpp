// lrurec explain: from a place of the paper to the code that computes it and the tests that hold it.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "lrurec/util/suggest.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/paper_map.h"

namespace lrurec::command {
namespace {

/// A row of the map's first table.
struct Topic {
  std::string name, says;
  std::vector<std::string> where;        ///< the words of the column of the code, a line each
  std::vector<std::string> code, tests;  ///< with their lines
};

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// Markdown as a terminal shows it: the file and heading of a link, and no backticks.
std::string plain(const std::string& markdown) {
  static const std::regex link(R"(\[[^\]]*\]\(([\w./-]+)(?:#([\w-]+))?\))");
  std::string text;
  auto rest = markdown.begin();
  for (std::sregex_iterator it(markdown.begin(), markdown.end(), link), end; it != end; ++it) {
    std::string heading = (*it)[2];
    std::replace(heading.begin(), heading.end(), '-', ' ');
    text += it->prefix().str() +
            (std::filesystem::path("docs") / (*it)[1].str()).lexically_normal().string() +
            (heading.empty() ? "" : ", " + heading);
    rest = (*it)[0].second;
  }
  text.append(rest, markdown.end());
  std::erase(text, '`');
  return text;
}

std::string with_line(const std::string& name) {
  for (const auto& place : paper_places()) {
    if (place.name != name) continue;
    if (!place.file.empty()) return fmt::format("{}:{}: {}", place.file, place.line, name);
    const auto colon = name.find(": ");
    return fmt::format("{}:{}: {}", name.substr(0, colon), place.line, name.substr(colon + 2));
  }
  return name;
}

std::vector<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.push_back(with_line(it->size() == 3 ? (*it)[1].str() + ": " + (*it)[2].str() : (*it)[1].str()));
  }
  return found;
}

/// What stands between semicolons, each `file`: `function` with its line.
std::vector<std::string> parts_of(const std::string& cell, const std::regex& place) {
  std::vector<std::string> parts;
  std::istringstream in(cell);
  for (std::string part; std::getline(in, part, ';');) {
    std::string text;
    auto rest = part.cbegin();
    for (std::sregex_iterator it(part.begin(), part.end(), place), end; it != end; ++it) {
      text += it->prefix().str() + with_line((*it)[1].str() + ": " + (*it)[2].str());
      rest = (*it)[0].second;
    }
    parts.push_back(trimmed(plain(text.append(rest, part.cend()))));
  }
  return parts;
}

/// The cells of a row; "\\|" in one is a bar.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells{""};
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      cells.back() += line[++i];
    } else if (line[i] == '|') {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  for (auto& cell : cells) cell = trimmed(cell);
  return cells;
}

struct Difference {
  std::string paper, published, here;
};

/// Where the paper, its published implementation and this one differ: the rows of the map's second table
/// whose first words name the topic.
std::vector<Difference> differences_of(const std::string& topic) {
  std::vector<Difference> all;
  std::istringstream in{std::string(paper_map_text)};
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    inside = (inside && line.starts_with("|")) || line.starts_with("| | paper |");
    if (!inside || line.starts_with("| | paper |") || line.starts_with("|---")) continue;
    const auto cells = cells_of(line);
    const auto is_word = [&](std::size_t end) {
      return end >= cells[1].size() || cells[1][end] == ':' || cells[1][end] == ' ';
    };
    if (cells.size() >= 4 && cells[1].starts_with(topic) && is_word(topic.size()))
      all.push_back({plain(cells[1]), plain(cells[2]), plain(cells[3])});
  }
  return all;
}

std::vector<Topic> topics() {
  static const std::regex place(R"(`([\w/]+\.(?:cpp|h))`: `([\w:]+)`)"), test(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
  std::vector<Topic> all;
  std::istringstream in{std::string(paper_map_text)};
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("| paper |")) {
      inside = true;
    } else if (inside && !line.starts_with("|")) {
      break;
    } else if (inside && !line.starts_with("|---")) {
      const auto cells = cells_of(line);
      if (cells.size() >= 4) {
        all.push_back({cells[0], plain(cells[1]), parts_of(cells[2], place), matches(cells[2], place),
                       matches(cells[3], test)});
      }
    }
  }
  return all;
}

/// "eq 5", "eq. (5)", "equation 5", "5", "Alg. 1", "table6" as the map's first column has them.
std::string canonical(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  static const std::regex equation(R"((?:eq\.?|equation)?\s*(?:(\d+)|\((\d+)\)))"),
      other(R"((?:(alg)(?:orithm)?|(fig)(?:ure)?|(tab)(?:le)?|(sec)(?:tion)?)\.?\s*(\d.*))");
  std::smatch found;
  if (std::regex_match(text, found, equation)) return "eq. " + found[1].str() + found[2].str();
  if (!std::regex_match(text, found, other)) return text;
  const char* kind = found[1].matched   ? "algorithm "
                     : found[2].matched ? "figure "
                     : found[3].matched ? "table "
                                        : "section ";
  return kind + found[5].str();
}

void explain(const std::vector<std::string>& words, bool json) {
  const auto all = topics();
  std::vector<std::string> names;
  for (const auto& topic : all) names.push_back(topic.name);
  if (words.empty()) {
    if (json) {
      print_json(nlohmann::json(names));
      return;
    }
    std::size_t width = 0;
    for (const auto& name : names) width = std::max(width, name.size());
    for (const auto& topic : all) print_out("{:<{}}  {}\n", topic.name, width, topic.says);
    print_out(
        "\nlrurec explain eq 5 shows where equation 5 is computed and tested; docs/paper-map.md has the "
        "whole "
        "table.\n");
    return;
  }
  const std::string wanted = canonical(words);
  const auto topic = std::find_if(all.begin(), all.end(), [&](const Topic& t) { return t.name == wanted; });
  if (topic == all.end()) {
    fail(ErrorKind::usage, "the paper map has no '{}'{}; lrurec explain lists what it has", wanted,
         util::suggestion(wanted, names));
  }
  std::vector<std::string> parts;  // "section 5.1, training" of "section 5.1"
  std::copy_if(names.begin(), names.end(), std::back_inserter(parts),
               [&](const std::string& name) { return name.starts_with(wanted + ", "); });
  const auto differences = differences_of(topic->name);
  if (json) {
    nlohmann::json differing = nlohmann::json::array();
    for (const auto& d : differences) {
      differing.push_back({{"paper", d.paper}, {"published", d.published}, {"here", d.here}});
    }
    const nlohmann::json object{{"name", topic->name},  {"differences", differing}, {"says", topic->says},
                                {"code", topic->code},  {"tests", topic->tests},    {"see_also", parts},
                                {"where", topic->where}};
    print_json(object);
    return;
  }
  print_out("{}\n  {}\n\ncomputed in\n", topic->name, topic->says);
  for (const auto& part : topic->where) print_out("  {}\n", part);
  print_out("\nheld by the tests\n");
  for (const auto& test : topic->tests) print_out("  {}\n", test);
  if (!differences.empty()) print_out("\nwhere the paper, its published code and this differ\n");
  for (const auto& d : differences)
    print_out("  paper: {}; published code: {}; here: {}\n", d.paper, d.published, d.here);
  if (!parts.empty()) print_out("\nsee also\n");
  for (const auto& part : parts) print_out("  {}\n", part);
}

}  // namespace

void add_explain(CLI::App& app) {
  struct ExplainOptions {
    std::vector<std::string> words;
    bool json = false;
  };
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* sub =
      app.add_subcommand("explain", "From an equation of the paper to the lines that compute and test it");
  sub->add_option("topic", options->words, "such as eq 5, algorithm 1, section 5.1; none lists all");
  sub->add_flag("--json", options->json, "print one JSON object; without a topic a list of their names");
  sub->callback([options] { explain(options->words, options->json); });
}

}  // namespace lrurec::command
