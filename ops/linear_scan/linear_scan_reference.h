#pragma once
// h_t = lambda h_{t-1} + x_t and h_t = lambda_t h_{t-1} + x_t as plain loops.

#include "ops/linear_scan/kernels.h"
#include "ops/primitives/reference.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {

template <class T>
void scan(Reference, const Scan<T>& f) {
  const std::int64_t D = f.channels;
  const bool reversed = f.time == Time::reversed;
  for (std::int64_t d = 0; d < D; ++d) {
    const T lambda = reversed ? conjugate(f.lambda[d]) : f.lambda[d];
    T dlambda{};
    for (std::int64_t s = 0; s < f.sequences; ++s) {
      const std::int64_t begin = f.offsets[s], length = f.offsets[s + 1] - begin;
      const T first = f.add_first != nullptr ? f.add_first[s * D + d] : T{};
      T h = f.initial != nullptr ? f.initial[s * D + d] : T{};
      for (std::int64_t k = 0; k < length; ++k) {
        const std::int64_t t = reversed ? begin + length - 1 - k : begin + k;
        h = lambda * h + f.x[t * D + d] + (k == 0 ? first : T{});
        f.h[t * D + d] = h;
      }
      if (f.final_state != nullptr) f.final_state[s * D + d] = h;
      if (f.carried_out != nullptr) f.carried_out[s * D + d] = length > 0 ? lambda * h : first;
      for (std::int64_t t = begin; f.dlambda != nullptr && t < begin + length; ++t) {
        const T* before = t > begin                     ? f.states + (t - 1) * D
                          : f.states_initial != nullptr ? f.states_initial + s * D
                                                        : nullptr;
        if (before != nullptr) dlambda += f.h[t * D + d] * conjugate(before[d]);
      }
    }
    if (f.dlambda != nullptr) f.dlambda[d] = dlambda;
  }
}

template <class T>
void gated_scan(Reference, const Scan<T>& f) {
  const std::int64_t D = f.channels;
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    const std::int64_t begin = f.offsets[s], end = f.offsets[s + 1];
    for (std::int64_t d = 0; d < D; ++d) {
      const std::int64_t of_sequence = s * D + d;
      if (f.time == Time::forward) {
        T h = f.initial != nullptr ? f.initial[of_sequence] : T{};
        for (std::int64_t t = begin; t < end; ++t) {
          h = f.lambda[t * D + d] * h + f.x[t * D + d];
          f.h[t * D + d] = h;
        }
        if (f.final_state != nullptr) f.final_state[of_sequence] = h;
        continue;
      }
      T carried = f.add_first != nullptr ? f.add_first[of_sequence] : T{};
      for (std::int64_t t = end - 1; t >= begin; --t) {
        const T h = carried + f.x[t * D + d];
        f.h[t * D + d] = h;
        carried = conjugate(f.lambda[t * D + d]) * h;
        if (f.dlambda == nullptr) continue;
        const T before = t > begin                     ? f.states[(t - 1) * D + d]
                         : f.states_initial != nullptr ? f.states_initial[of_sequence]
                                                       : T{};
        f.dlambda[t * D + d] = h * conjugate(before);
      }
      if (f.carried_out != nullptr) f.carried_out[of_sequence] = carried;
    }
  }
}

}  // namespace lrurec::ops::kernels
