#pragma once

#include <cstdint>

#include "tensor/device.h"
#include "tensor/host_device.h"

namespace lrurec::ops::kernels {

/// out[r] = sum_c x[r, c] / divisor; x: [rows, columns] dense. The sum is divided before it is rounded to T,
/// so that the mean of equal numbers is that number.
template <class T>
void sum_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor = 1);
template <class T>
void sum_rows(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor = 1);

/// out[c] = sum_r x[r, c] / divisor; x: [rows, columns] dense. Rows are summed in fixed blocks, so the bits
/// of the result do not depend on the number of threads.
template <class T>
void sum_columns(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor = 1);
template <class T>
void sum_columns(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor = 1);

/// index[r] = first position of the largest (or NaN) of x[r, :]; x: [rows, columns] dense, columns > 0.
template <class T>
void argmax_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index);
template <class T>
void argmax_rows(Cuda, std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index);

/// One element chosen in each row along the middle dimension of a dense [outer, size, inner]. Row r is
/// (r / inner, r mod inner).
struct Chosen {
  std::int64_t rows, size, inner;
  const std::int64_t* index;  ///< [rows]: the position in the middle dimension
  LRUREC_HOST_DEVICE std::int64_t position(std::int64_t r) const {
    return (r / inner * size + index[r]) * inner + r % inner;
  }
};

/// y[r] = the chosen element of row r of x
template <class T>
void gather_chosen(Cpu, const Chosen& chosen, const T* x, T* y);
template <class T>
void gather_chosen(Cuda, const Chosen& chosen, const T* x, T* y);

/// Sets the chosen element of row r of dx to dy[r]; the others are left alone.
template <class T>
void scatter_chosen(Cpu, const Chosen& chosen, const T* dy, T* dx);
template <class T>
void scatter_chosen(Cuda, const Chosen& chosen, const T* dy, T* dx);

}  // namespace lrurec::ops::kernels
