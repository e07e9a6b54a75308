#pragma once
// What the HTML pages of the command have in common: one file each that needs neither network nor server.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lrurec::report {

struct Page {
  std::string title;
  std::string_view made_by;     ///< the command
  const nlohmann::json& data;   ///< what the script draws; text in it cannot become markup
  std::string_view script;      ///< runs after common.js and Chart.js
  std::string_view style = {};  ///< beside page.css
};

/// Markup, style, chart library and scripts around the data.
std::string framed(const Page& page);

/// How each of these pages begins: up to what names the command that made it.
std::string page_beginning();

}  // namespace lrurec::report
