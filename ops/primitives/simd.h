#pragma once
// Vectorised maps over real arrays, on xsimd (exp, erf, tanh, ... from a library, not our own polynomials).

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "tensor/dtype.h"

// Inlined always: to return a batch through memory costs more than the formula.
#define LRUREC_INLINE __attribute__((always_inline)) inline

namespace lrurec {

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#define LRUREC_X86_FMA 1
#endif

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

/// a b + c rounded once, where the processor has an instruction for it. It is asked for by name: whether a
/// compiler makes one of a product and a sum depends on its options and on the code around them, and so would
/// the bits.
template <class T>
LRUREC_INLINE xsimd::batch<T> multiply_add(const xsimd::batch<T>& a, const xsimd::batch<T>& b,
                                           const xsimd::batch<T>& c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return xsimd::batch<T>(_mm512_fmadd_ps(a, b, c));
  } else {
    return xsimd::batch<T>(_mm512_fmadd_pd(a, b, c));
  }
#elif defined(LRUREC_X86_FMA)
  if constexpr (sizeof(T) == 4) {
    return xsimd::batch<T>(_mm256_fmadd_ps(a, b, c));
  } else {
    return xsimd::batch<T>(_mm256_fmadd_pd(a, b, c));
  }
#else
  return xsimd::fma(a, b, c);
#endif
}

/// Adds to the sum of each lane the products of its two numbers in bf16, the first (in the upper half) before
/// the second: two links of a chain of fused multiply-adds.
LRUREC_INLINE xsimd::batch<float> multiply_add(const xsimd::batch<std::uint32_t>& a,
                                               const xsimd::batch<std::uint32_t>& b,
                                               const xsimd::batch<float>& sum) {
#if defined(__AVX512BF16__)
  // The instruction takes the upper halves first.
  const __m512i lanes_a = a, lanes_b = b;
  return xsimd::batch<float>(
      _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(lanes_a), reinterpret_cast<__m512bh>(lanes_b)));
#else
  const auto first = [](const xsimd::batch<std::uint32_t>& x) {
    return xsimd::bitwise_cast<xsimd::batch<float> >(x & xsimd::batch<std::uint32_t>(0xffff0000U));
  };
  const auto second = [](const xsimd::batch<std::uint32_t>& x) {
    return xsimd::bitwise_cast<xsimd::batch<float> >(x << 16);
  };
  return multiply_add(second(a), second(b), multiply_add(first(a), first(b), sum));
#endif
}

/// e^x over the whole range of T. xsimd's is infinite from 88.38 (f32) and 709.44 (f64) on, a little too
/// early.
template <class T, class A>
LRUREC_INLINE xsimd::batch<T, A> whole_exp(const xsimd::batch<T, A>& x) {
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

/// Elements start .. start + count - 1 of x; lanes beyond them are zero.
template <class T>
LRUREC_INLINE xsimd::batch<T> load_lanes(const Strided<T>& x, std::int64_t start, std::int64_t count) {
  using Batch = xsimd::batch<T>;
  if (x.stride == 1 && count == static_cast<std::int64_t>(Batch::size)) {
    return Batch::load_unaligned(x.data + start);
  }
  std::array<T, Batch::size> lanes{};
  for (std::int64_t i = 0; i < count; ++i) {
    lanes[static_cast<std::size_t>(i)] = x.data[(start + i) * x.stride];
  }
  return Batch::load_unaligned(lanes.data());
}

template <class T>
LRUREC_INLINE void store_lanes(const xsimd::batch<T>& x, T* out, std::int64_t count) {
  if (count == static_cast<std::int64_t>(xsimd::batch<T>::size)) return x.store_unaligned(out);
  std::array<T, xsimd::batch<T>::size> lanes;
  x.store_unaligned(lanes.data());
  std::copy_n(lanes.data(), count, out);
}

/// out[i] = f(in0[i], in1[i], ...) for i < n. For float and double, f receives xsimd batches. The tail and
/// strided inputs go through a padded batch too, so an element's bits depend neither on its position nor on
/// its stride.
template <class T, class F, class... In>
LRUREC_INLINE void map(std::int64_t n, T* out, F&& f, In... in) {
  if constexpr (!has_simd<T>) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(in.data[i * in.stride]...);
  } else {
    constexpr auto width = static_cast<std::int64_t>(xsimd::batch<T>::size);
    std::int64_t i = 0;
    for (; i + width <= n; i += width) f(load_lanes(in, i, width)...).store_unaligned(out + i);
    if (i < n) store_lanes(f(load_lanes(in, i, n - i)...), out + i, n - i);
  }
}

/// join(...join(start, in[0]...)..., in[n - 1]...) of f32 or f64, in the lanes of a vector: a lane takes
/// every W-th element, then `join` joins the lanes, so its order must not matter. (`#pragma omp simd
/// reduction` asks for the same, but GCC 12 forgets it where a function is inlined into a lambda.)
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
