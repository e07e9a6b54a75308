#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>

namespace lrurec::util {

/// 999611 -> "999,611"
std::string with_commas(std::int64_t number);
/// "1 user", "1,000 users": a number and a noun that takes an s.
std::string counted(std::int64_t number, const std::string& noun);

}  // namespace lrurec::util
