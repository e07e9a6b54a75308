#pragma once
// The best classes by estimates first: exact scores only for those whose bound reaches the k best so far.

#include <vector>

#include "ops/linear_top_k/kernels.h"

namespace lrurec::ops::kernels {

/// Where f.codes has bounds and k is small beside C, writes the rows' results and adds the number of exact
/// scores to `scored`. Returns the rows that are left, in rising order.
std::vector<std::int64_t> coded_top_k(const LinearTopK<float>& f, std::int64_t* indices, float* values,
                                      std::int64_t& scored);

}  // namespace lrurec::ops::kernels
