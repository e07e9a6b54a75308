#include <algorithm>
#include <bit>
#include <cstddef>
#include <cub/device/device_radix_sort.cuh>

#include "tensor/cuda/scratch.h"
#include "tensor/cuda/sort.h"
#include "tensor/cuda/toolkit/check.h"

namespace lrurec::cuda {

void sort_pairs(std::int64_t n, std::int64_t bound, const std::int32_t* keys, const std::int32_t* values,
                std::int32_t* sorted_keys, std::int32_t* sorted_values) {
  if (n == 0) return;
  const int bits = std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(bound - 1))));
  std::size_t bytes = 0;
  check("sort", cub::DeviceRadixSort::SortPairs(nullptr, bytes, keys, sorted_keys, values, sorted_values, n,
                                                0, bits, stream()));
  const Scratch<std::byte> working(static_cast<std::int64_t>(bytes));
  check("sort", cub::DeviceRadixSort::SortPairs(working.data(), bytes, keys, sorted_keys, values,
                                                sorted_values, n, 0, bits, stream()));
}

}  // namespace lrurec::cuda
