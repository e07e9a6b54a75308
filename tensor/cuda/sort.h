#pragma once

#include <cstdint>

namespace lrurec::cuda {

/// Sorts n pairs in device memory by key (0 <= key < bound); equal keys keep their order. CUB's radix sort.
void sort_pairs(std::int64_t n, std::int64_t bound, const std::int32_t* keys, const std::int32_t* values,
                std::int32_t* sorted_keys, std::int32_t* sorted_values);

}  // namespace lrurec::cuda
