#pragma once
// Links of Markdown pages.

#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace lrurec::test {

/// What `#anchor` may name in a page: its headings in lower case, blanks as "-", without punctuation.
inline std::set<std::string> anchors_of(const std::string& page) {
  std::set<std::string> anchors;
  std::istringstream in(page);
  bool code = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) code = !code;
    const auto begin = line.find_first_not_of('#');
    if (code || begin == 0 || begin == std::string::npos || line[begin] != ' ') continue;
    std::string anchor;
    for (const char c : line.substr(begin + 1)) {
      if (c == ' ') {
        anchor += '-';
      } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
    }
    anchors.insert(anchor);
  }
  return anchors;
}

/// Links within the project, and those that lead to no file or to no heading of one.
struct Links {
  int found = 0;
  std::vector<std::string> dead;
};

/// Of a page at `path`, whose text is given.
inline Links links_of(const std::filesystem::path& path, const std::string& text) {
  static const std::regex link(R"(\]\((?!\))([\w./-]*[./][\w./-]*)?(?:#([\w-]*))?\))");
  Links links;
  for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it, ++links.found) {
    const auto target = (*it)[1].matched ? path.parent_path() / (*it)[1].str() : path;
    const bool there = std::filesystem::exists(target);
    const std::string aim = target == path ? text : there && (*it)[2].matched ? read_text(target) : "";
    if (!there || ((*it)[2].matched && !anchors_of(aim).contains((*it)[2]))) links.dead.push_back((*it)[0]);
  }
  return links;
}

inline Links links_of(const std::filesystem::path& path) { return links_of(path, read_text(path)); }

}  // namespace lrurec::test
