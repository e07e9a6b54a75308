#include <bit>
#include <cub/device/device_radix_sort.cuh>

#include "tensor/cuda/runtime.h"
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
  void* working = allocate(bytes);
  if (working == nullptr) fail(ErrorKind::out_of_memory, "[sort] no {} bytes of working memory", bytes);
  check("sort", cub::DeviceRadixSort::SortPairs(working, bytes, keys, sorted_keys, values, sorted_values, n,
                                                0, bits, stream()));
  free(working, bytes);
}

}  // namespace lrurec::cuda
