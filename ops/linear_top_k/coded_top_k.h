#pragma once
// The best classes by estimates first: exact scores only for those whose bound reaches the k best so far.

#include <cstdint>
#include <limits>
#include <vector>

#include "ops/linear_top_k/kernels.h"

namespace lrurec::ops::kernels {

/// A row that is to be compared with all classes; at least k of them have `bar` as their score or more.
template <class T>
struct RowLeft {
  std::int64_t row;
  T bar = -std::numeric_limits<T>::infinity();
};

/// Where f.codes has bounds and k is small beside C, writes the rows' results and adds the number of exact
/// scores to `scored`. Returns the rows that are left, in rising order: those without a bound, and among many
/// those whose bounds pass over too few classes.
std::vector<RowLeft<float>> coded_top_k(const LinearTopK<float>& f, std::int64_t* indices, float* values,
                                        std::int64_t& scored);

}  // namespace lrurec::ops::kernels
