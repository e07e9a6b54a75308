#pragma once
// Pages drawn by a browser, where there is one.

#include <regex>

#include "tests/support/files.h"

namespace lrurec::test {

/// What a headless Chromium makes of a page: its document after the scripts, and what it logged.
inline CommandResult browse(const TemporaryFolder& folder, const std::string& file,
                            const std::string& flags = "") {
  return run_shell(folder,
                   "HOME=$PWD timeout 120 chromium --headless --no-sandbox --disable-gpu "
                   "--disable-dev-shm-usage --enable-logging=stderr --user-data-dir=$PWD/browser " +
                       flags + " --dump-dom file://$PWD/" + file);
}

inline bool console_has_errors(const std::string& log) { return log.find("CONSOLE") != std::string::npos; }

inline bool no_browser(const TemporaryFolder& folder) {
  return run_shell(folder, "command -v chromium").code != 0;
}

/// A page with more script at its end.
inline std::string with_script(std::string html, const std::string& script) {
  return html.insert(html.rfind("</script>"), "\n" + script);
}

/// How much wider than a phone the page becomes, as "400 of 360"; empty where it fits.
inline std::string overflow_on_a_phone(const TemporaryFolder& folder, const std::string& file) {
  // In a frame as wide as a phone the page tells the one around it how wide it became.
  write_text(folder / "page.html",
             with_script(read_text(folder / file),
                         "parent.postMessage(`${document.documentElement.scrollWidth} of "
                         "${document.documentElement.clientWidth}`, '*');"));
  write_text(folder / "phone.html",
             "<script>onmessage = (e) => { document.documentElement.dataset.widths = e.data; };</script>"
             "<iframe width=360 height=800 frameborder=0 src=page.html></iframe>");
  const std::string dom = browse(folder, "phone.html", "--virtual-time-budget=5000").out;
  const std::regex widths("data-widths=\"(\\d+) of (\\d+)\"");
  std::smatch found;
  if (!std::regex_search(dom, found, widths)) return "no width in " + dom;
  return found[1] == found[2] ? "" : found[1].str() + " of " + found[2].str();
}

}  // namespace lrurec::test
