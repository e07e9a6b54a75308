#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// out[r] = sum_c x[r, c]; x: [rows, columns] dense.
template <class T>
void sum_rows(std::int64_t rows, std::int64_t columns, const T* x, T* out);

/// out[c] = sum_r x[r, c]; x: [rows, columns] dense. Rows are summed in fixed blocks, so the bits of the
/// result do not depend on the number of threads.
template <class T>
void sum_columns(std::int64_t rows, std::int64_t columns, const T* x, T* out);

/// index[r] = first position of the largest (or NaN) of x[r, :]; x: [rows, columns] dense, columns > 0.
template <class T>
void argmax_rows(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index);

}  // namespace lrurec::ops::cpu
