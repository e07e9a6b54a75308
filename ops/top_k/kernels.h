#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// indices and values: [rows, k]; x: [rows, columns], dense. Selection, not sorting of the whole row.
template <class T>
void top_k(std::int64_t rows, std::int64_t columns, std::int64_t k, const T* x, std::int64_t* indices,
           T* values);

/// dx[r, indices[r, j]] = dy[r, j]; dx is zero before.
template <class T>
void scatter_rows(std::int64_t rows, std::int64_t columns, std::int64_t k, const T* dy,
                  const std::int64_t* indices, T* dx);

}  // namespace lrurec::ops::cpu
