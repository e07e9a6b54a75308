#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>

namespace lrurec::util {

/// 999611 -> "999,611"
std::string with_commas(std::int64_t number);

}  // namespace lrurec::util
