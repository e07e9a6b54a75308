#pragma once

#include <cstdint>

namespace lrurec::cuda {

/// out[c] = sum_r x[r, c] / divisor; x: [rows, columns] dense, in device memory. T is float, double, c64 or
/// c128; accumulated in double. Rows are cut into chunks that do not depend on the GPU: the same bits in
/// every run.
template <class T>
void column_sum(std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor = 1);

/// The same for x: [rows, 2 columns], where the two halves of the sums go to different places: the end of
/// kernels that sum the gradients of a weight and of a bias.
template <class T>
void column_sum(std::int64_t rows, std::int64_t columns, const T* x, T* left, T* right);

}  // namespace lrurec::cuda
