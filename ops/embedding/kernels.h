#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// out[t, :] = weight[ids[t], :]; weight: [N, width], out: [n, width], dense.
template <class T>
void gather_rows(std::int64_t n, std::int64_t width, const T* weight, const std::int64_t* ids, T* out);

/// total[ids[t], :] += rows[t, :] in the order of t; rows: [n, width], total: [N, width], dense.
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t width, std::int64_t N, const T* rows,
                      const std::int64_t* ids, T* total);

}  // namespace lrurec::ops::cpu
