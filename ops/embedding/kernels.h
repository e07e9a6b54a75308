#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// out[t, :] = weight[ids[t], :]; weight: [N, width], out: [n, width], dense.
template <class T>
void gather_rows(Cpu, std::int64_t n, std::int64_t width, const T* weight, const std::int64_t* ids, T* out);
template <class T>
void gather_rows(Cuda, std::int64_t n, std::int64_t width, const T* weight, const std::int64_t* ids, T* out);

/// total[ids[t], :] += rows[t, :] in the order of t; rows: [n, width], total: [N, width], dense.
template <class T>
void scatter_add_rows(Cpu, std::int64_t n, std::int64_t width, std::int64_t N, const T* rows,
                      const std::int64_t* ids, T* total);
/// The rows of one id are summed first, in the order of t and in parts of run_chunk, and then added to total.
template <class T>
void scatter_add_rows(Cuda, std::int64_t n, std::int64_t width, std::int64_t N, const T* rows,
                      const std::int64_t* ids, T* total);

}  // namespace lrurec::ops::kernels
