#pragma once
// Pages drawn by a browser, where there is one.

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

}  // namespace lrurec::test
