#pragma once

#include <cstdint>

#include "ops/softmax/kernels.h"
#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// value = mean over the `count` labelled rows of lse[r] - x[r, label[r]], lse as log_sum_exp gives it,
/// summed in double and in a fixed order.
template <class T>
void cross_entropy_mean(Cpu, std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                        const RowLogSum<T>* lse, std::int64_t count, T* value);
template <class T>
void cross_entropy_mean(Cuda, std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                        const RowLogSum<T>* lse, std::int64_t count, T* value);

/// dx[r, :] = dL / count (exp(x[r, :] - lse[r]) - onehot(label[r])), or 0 without a label. dx may be x.
template <class T>
void cross_entropy_backward(Cpu, std::int64_t rows, std::int64_t columns, const T* x,
                            const std::int64_t* labels, const RowLogSum<T>* lse, const T* dL,
                            std::int64_t count, T* dx);
template <class T>
void cross_entropy_backward(Cuda, std::int64_t rows, std::int64_t columns, const T* x,
                            const std::int64_t* labels, const RowLogSum<T>* lse, const T* dL,
                            std::int64_t count, T* dx);

}  // namespace lrurec::ops::kernels
