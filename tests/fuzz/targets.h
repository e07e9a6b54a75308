#pragma once
// What is fuzzed: each target takes any bytes, hands them to a reader as if they came from outside, and lets
// only the errors pass that a user would get. Anything else (a crash, a sanitizer's report, another
// exception) is a finding.
//
// tools/fuzz.sh runs them under libFuzzer; the tests replay what it has found worth keeping
// (tests/fuzz/corpus/).

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lrurec::fuzz {

struct Target {
  const char* name;
  void (*run)(std::span<const std::uint8_t> input);
};

const std::vector<Target>& targets();

/// The payload of a file of sessions that the target "sessions" can load.
std::vector<std::byte> session_seed();

/// The target of that name, or null.
const Target* find(std::string_view name);

}  // namespace lrurec::fuzz
