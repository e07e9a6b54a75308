#pragma once
// Vectorised maps over real arrays, on xsimd (exp, erf, tanh, ... from a library, not our own polynomials).

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "tensor/dtype.h"

namespace lrurec {

template <class T>
inline constexpr bool has_simd = std::is_same_v<T, float> || std::is_same_v<T, double>;

/// x where the condition holds, else y; for scalars and for xsimd batches alike.
template <class T>
T choose(bool condition, const T& x, const T& y) {
  return condition ? x : y;
}
template <class T, class A>
xsimd::batch<T, A> choose(const xsimd::batch_bool<T, A>& condition, const xsimd::batch<T, A>& x,
                          const xsimd::batch<T, A>& y) {
  return xsimd::select(condition, x, y);
}

/// e^x over the whole range of T. xsimd's is infinite from 88.38 (f32) and 709.44 (f64) on, a little too
/// early.
template <class T, class A>
xsimd::batch<T, A> whole_exp(const xsimd::batch<T, A>& x) {
  using Batch = xsimd::batch<T, A>;
  const auto large = x > Batch(std::is_same_v<T, float> ? T(88) : T(709));
  if (!xsimd::any(large)) return xsimd::exp(x);
  const Batch part = xsimd::exp(choose(large, x * Batch(T(0.5)), x));
  return choose(large, part * part, part);
}

/// One input of map(): element i is at data[i * stride].
template <class T>
struct Strided {
  const T* data;
  std::int64_t stride;
};

/// out[i] = f(in0[i], in1[i], ...) for i < n. For float and double, f receives xsimd batches. The tail and
/// strided inputs go through a padded batch too, so an element's bits depend neither on its position nor on
/// its stride.
template <class T, class F, class... In>
void map(std::int64_t n, T* out, F&& f, In... in) {
  if constexpr (!has_simd<T>) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(in.data[i * in.stride]...);
  } else {
    using Batch = xsimd::batch<T>;
    constexpr auto width = static_cast<std::int64_t>(Batch::size);
    const auto load = [](const Strided<T>& x, std::int64_t start, std::int64_t count) {
      if (x.stride == 1 && count == width) return Batch::load_unaligned(x.data + start);
      std::array<T, Batch::size> lanes{};
      for (std::int64_t i = 0; i < count; ++i)
        lanes[static_cast<std::size_t>(i)] = x.data[(start + i) * x.stride];
      return Batch::load_unaligned(lanes.data());
    };
    std::int64_t i = 0;
    for (; i + width <= n; i += width) f(load(in, i, width)...).store_unaligned(out + i);
    if (i < n) {
      std::array<T, Batch::size> lanes;
      f(load(in, i, n - i)...).store_unaligned(lanes.data());
      for (std::int64_t k = 0; i < n; ++i, ++k) out[i] = lanes[static_cast<std::size_t>(k)];
    }
  }
}

/// join(...join(start, in[0]...)..., in[n - 1]...) of f32 or f64, by the lanes of a vector: a lane takes
/// every W-th element, then `join` joins the lanes, which it must be able to do in any order. (`#pragma omp
/// simd reduction` asks for the same, but GCC 12 forgets it where a function is inlined into a lambda.)
template <class T, class Join, class Term, class... In>
T fold(std::int64_t n, T start, Join&& join, Term&& term, const In*... in) {
  using Batch = xsimd::batch<T>;
  constexpr auto width = static_cast<std::int64_t>(Batch::size);
  Batch vector(start);
  std::int64_t i = 0;
  for (; i + width <= n; i += width) vector = join(vector, term(Batch::load_unaligned(in + i)...));
  std::array<T, Batch::size> lanes;
  vector.store_unaligned(lanes.data());
  for (std::size_t lane = 1; lane < lanes.size(); ++lane) lanes[0] = join(lanes[0], lanes[lane]);
  for (; i < n; ++i) lanes[0] = join(lanes[0], term(in[i]...));
  return lanes[0];
}

template <class T>
T sum(std::int64_t n, const T* x) {
  return fold(
      n, T(0), [](auto a, auto b) { return a + b; }, [](auto v) { return v; }, x);
}

template <class T>
T dot(std::int64_t n, const T* x, const T* y) {
  return fold(
      n, T(0), [](auto a, auto b) { return a + b; }, [](auto v, auto w) { return v * w; }, x, y);
}

/// -infinity where n is 0.
template <class T>
T largest(std::int64_t n, const T* x) {
  return fold(
      n, -std::numeric_limits<T>::infinity(), [](auto a, auto b) { return choose(a > b, a, b); },
      [](auto v) { return v; }, x);
}

}  // namespace lrurec
