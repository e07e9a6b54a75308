#pragma once
// What kernels of state spaces share on a CPU: the states of all channels as vectors along channels, and a
// loop over sequences in parallel.

#include <algorithm>
#include <cstdint>

#include "ops/primitives/simd.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {

constexpr std::int64_t up_to_multiple(std::int64_t n, std::int64_t of) { return (n + of - 1) / of * of; }

/// The numbers of [H, N, 2] as [channels / W, N, 2, W]: a vector for the real parts of each state, and one
/// for its imaginary parts. Padded with zeros, N to a multiple of `Together`.
template <class T, int Together>
class StatePanels {
 public:
  static constexpr auto W = static_cast<std::int64_t>(xsimd::batch<T>::size);

  StatePanels(std::int64_t H, std::int64_t N)
      : H_(H),
        N_(N),
        states_(up_to_multiple(N, Together)),
        values_(up_to_multiple(H, W) * states_ * 2, T(0)) {}

  void read(const T* from) {
    each([&](std::int64_t at, std::int64_t place) { values_[place] = from[at]; });
  }
  void write(T* to) const {
    each([&](std::int64_t at, std::int64_t place) { to[at] = values_[place]; });
  }
  T* part(std::int64_t channel, std::int64_t n, int imaginary) const {
    return values_.data() + ((channel / W * states_ + n) * 2 + imaginary) * W;
  }

 private:
  template <class F>
  void each(F&& f) const {
    for (std::int64_t h = 0; h < H_; ++h) {
      for (std::int64_t n = 0; n < N_; ++n) {
        for (int part = 0; part < 2; ++part) {
          f((h * N_ + n) * 2 + part, ((h / W * states_ + n) * 2 + part) * W + h % W);
        }
      }
    }
  }

  std::int64_t H_, N_, states_;
  Scratch<T> values_;
};

/// Rows [n, H] of a sequence, padded to whole vectors.
template <class T>
Scratch<T> padded(std::int64_t n, std::int64_t H, std::int64_t width, const T* rows) {
  Scratch<T> to(n * width, T(0));
  for (std::int64_t t = 0; t < n; ++t) std::copy_n(rows + t * H, H, to.data() + t * width);
  return to;
}
template <class T>
void unpad(std::int64_t n, std::int64_t H, std::int64_t width, const Scratch<T>& from, T* rows) {
  for (std::int64_t t = 0; t < n; ++t) std::copy_n(from.data() + t * width, H, rows + t * H);
}

template <class T>
struct ComplexVector {
  using Batch = xsimd::batch<T>;
  Batch re = Batch(T(0)), im = Batch(T(0));

  template <class Panels>
  static ComplexVector load(const Panels& panels, std::int64_t channel, std::int64_t n) {
    return {Batch::load_unaligned(panels.part(channel, n, 0)),
            Batch::load_unaligned(panels.part(channel, n, 1))};
  }
  /// s = lambda s + u
  void advance(const ComplexVector& lambda, const Batch& u) {
    const Batch next = lambda.re * re - lambda.im * im + u;
    im = lambda.re * im + lambda.im * re;
    re = next;
  }
  template <class Panels>
  void store(const Panels& panels, std::int64_t channel, std::int64_t n) const {
    re.store_unaligned(panels.part(channel, n, 0));
    im.store_unaligned(panels.part(channel, n, 1));
  }
};

/// Calls f(sequence, first token, tokens) for every sequence, in parallel.
template <class Arguments, class F>
void for_sequences(const Arguments& f, F&& work) {
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (f.tokens > 16)
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    errors.attempt([&] { work(s, f.offsets[s], f.offsets[s + 1] - f.offsets[s]); });
  }
  errors.rethrow();
}

}  // namespace lrurec::ops::kernels
