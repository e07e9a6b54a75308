#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// Sum over labelled rows of lse[r] - x[r, label[r]], in double and in the order of the rows.
template <class T>
double cross_entropy_sum(std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                         const T* lse);

/// dx[r, :] = scale * (exp(x[r, :] - lse[r]) - onehot(label[r])), or 0 without a label. dx may be x.
template <class T>
void cross_entropy_backward(std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                            const T* lse, T scale, T* dx);

}  // namespace lrurec::ops::cpu
