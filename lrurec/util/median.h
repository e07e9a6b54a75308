#pragma once
// The median.

#include <algorithm>
#include <vector>

namespace lrurec::util {

/// The middle value; for an even number the mean of the two in the middle, for none 0.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace lrurec::util
