#pragma once
// Checks of options that CLI11 does not have.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace lrurec::command {

/// A number from least to most. (CLI::Range lets "nan" through.)
inline CLI::Validator number_between(double least, double most) {
  return CLI::Validator(
      [=](const std::string& text) {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool good =
            error == std::errc{} && end == text.data() + text.size() && value >= least && value <= most;
        return good ? std::string() : fmt::format("'{}' is no number from {} to {}", text, least, most);
      },
      fmt::format("FLOAT in [{} - {}]", least, most));
}

/// Refuses an empty text, which would be taken for a default, or by CLI11 for 0. `what`: "a number".
inline CLI::Validator not_empty(const std::string& what) {
  return CLI::Validator(
      [what](const std::string& text) {
        return text.empty() ? fmt::format("needs {}, and the text is empty", what) : std::string();
      },
      "");
}

/// A number that is neither infinite nor "nan", which CLI::Number lets through.
inline CLI::Validator finite_number() {
  return CLI::Validator(
      [](const std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool good = !text.empty() && end == text.c_str() + text.size() && std::isfinite(value);
        return good ? std::string() : fmt::format("'{}' is no finite number", text);
      },
      "FLOAT");
}

/// Ids of a list without the blanks around each: "1, 2".
inline std::vector<std::string> trimmed_ids(std::vector<std::string> ids) {
  for (auto& id : ids) {
    id.erase(0, std::min(id.find_first_not_of(' '), id.size()));
    id.erase(id.find_last_not_of(' ') + 1);
  }
  return ids;
}

/// An option of raw ids, separated by commas, each without the blanks around it; repeated, they add up.
/// CLI11's own lists take "[a]" for a list, an empty one for nothing, and the run's folder for one more id.
inline CLI::Option* add_ids(CLI::App& app, const std::string& name, std::vector<std::string>& ids,
                            const std::string& help) {
  const auto take = [&ids, name](const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      for (auto& id : trimmed_ids(CLI::detail::split(text, ','))) {
        if (!id.empty()) ids.push_back(std::move(id));
      }
    }
    if (ids.empty()) throw CLI::ValidationError(name, "needs an id");
  };
  return app.add_option_function<std::vector<std::string>>(name, take, help)->allow_extra_args(false);
}

}  // namespace lrurec::command
