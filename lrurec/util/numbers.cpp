#include "lrurec/util/numbers.h"

#include <cstdlib>

namespace lrurec::util {

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(std::abs(number));
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return number < 0 ? "-" + digits : digits;
}

std::string counted(std::int64_t number, const std::string& noun) {
  return with_commas(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace lrurec::util
