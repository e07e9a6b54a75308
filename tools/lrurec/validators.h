#pragma once
// Checks of options that CLI11 does not have.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

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

/// Of numbers in a list, whose empty text CLI11 takes for 0.
inline CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) { return text.empty() ? std::string("needs a number") : std::string(); },
      "");
}

}  // namespace lrurec::command
