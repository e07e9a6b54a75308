#pragma once
// The best classes by way of estimates: exact scores only for classes whose bound reaches the k best so far.

#include <cstdint>
#include <limits>
#include <vector>

#include "ops/linear_top_k/kernels.h"

namespace lrurec::ops::kernels {

/// A row that must be compared with all classes. At least k of them are known to score `bar` or more.
template <class T>
struct RowLeft {
  std::int64_t row;
  T bar = -std::numeric_limits<T>::infinity();
};

/// Writes the results of rows and adds the number of exact scores to `scored`, where f.codes has bounds and k
/// is small beside C. Returns the rows that are left, in rising order: rows without a bound and, where there
/// are many rows, those whose bounds pass over too few classes.
std::vector<RowLeft<float>> coded_top_k(const LinearTopK<float>& f, std::int64_t* indices, float* values,
                                        std::int64_t& scored);

}  // namespace lrurec::ops::kernels
