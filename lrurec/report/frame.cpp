#include "lrurec/report/frame.h"

#include <map>

#include "lrurec/report/assets.h"

namespace lrurec::report {
namespace {

/// JSON that may stand between script tags, whatever its texts hold.
std::string script_safe(const nlohmann::json& value) {
  const std::string plain =
      value.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
  std::string safe;
  for (const char c : plain) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

/// The template with each {{name}} replaced, in one pass: what is put in is not looked at again.
std::string fill(std::string_view text, const std::map<std::string, std::string_view>& values) {
  std::string filled;
  while (true) {
    const auto open = text.find("{{");
    filled += text.substr(0, open);
    if (open == std::string_view::npos) return filled;
    const auto close = text.find("}}", open);
    filled += values.at(std::string(text.substr(open + 2, close - open - 2)));
    text.remove_prefix(close + 2);
  }
}

}  // namespace

std::string framed(const Page& page) {
  std::string title;
  for (const char c : page.title) title += c == '<' || c == '&' ? ' ' : c;
  const std::string data = script_safe(page.data);
  return fill(assets::page_html, {{"title", title},
                                  {"style", assets::page_css},
                                  {"own_style", page.style},
                                  {"library", assets::chart_js},
                                  {"made_by", page.made_by},
                                  {"data", data},
                                  {"common", assets::common_js},
                                  {"script", page.script}});
}

std::string page_beginning() {
  return std::string(assets::page_html.substr(0, assets::page_html.find("{{made_by}}"))) + "lrurec ";
}

}  // namespace lrurec::report
