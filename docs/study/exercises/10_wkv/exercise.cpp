// Exercise 10: RWKV's recurrence, for keys of any size.
//
// RWKV-4 (Peng et al., 2023) has a mean of all values so far in place of the LRU's state: a value's weight is
// e^k by its key, falls by e^{-w} with every token that follows, and is e^{u + k} while it is the newest. For
// one channel, with S and Z 0 before the first token:
//
//   y_t = (S_{t-1} + e^{u + k_t} v_t) / (Z_{t-1} + e^{u + k_t})
//   S_t = e^{-w} S_{t-1} + e^{k_t} v_t
//   Z_t = e^{-w} Z_{t-1} + e^{k_t}
//
// Return all y_t. Keys may be in the thousands, where e^k is no number, and y is still the mean of a few
// values. A common factor of S and Z does not change y: carry them as multiples of e^m, with a number m that
// you choose anew for every token.
//
// Check it: tools/study.sh check 10

#include "exercise.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace study {

std::vector<double> wkv(double w, double u, std::span<const double> k, std::span<const double> v) {
  std::vector<double> y(k.size());
  // YOUR CODE: fill y
  return y;
}

}  // namespace study
