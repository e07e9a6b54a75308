// A thread takes a sequence and walks its tokens for one vector of channels after the other.

#include "ops/wkv/kernels.h"

#include <type_traits>

#include "ops/primitives/simd.h"
#include "ops/wkv/recurrence.h"
#include "tensor/parallel_errors.h"

namespace lrurec::ops::kernels {
namespace {

template <class V, class T>
V load(const T* from) {
  if constexpr (std::is_same_v<V, T>) {
    return *from;
  } else {
    return V::load_unaligned(from);
  }
}
template <class V, class T>
void store(const V& value, T* to) {
  if constexpr (std::is_same_v<V, T>) {
    *to = value;
  } else {
    value.store_unaligned(to);
  }
}

template <class V, class T>
wkv::State<V> load_state(const T* from, std::int64_t H) {
  return {load<V>(from), load<V>(from + H), load<V>(from + 2 * H)};
}
template <class V, class T>
void store_state(const wkv::State<V>& state, T* to, std::int64_t H) {
  store(state.sum, to), store(state.weight, to + H), store(state.top, to + 2 * H);
}

/// Calls work<V>(s, c) for every sequence s and every vector V of channels from c on, and for the last
/// channels one by one.
template <class T, class F>
void for_channels(const Wkv<T>& f, F&& work) {
  using Batch = xsimd::batch<T>;
  constexpr auto width = static_cast<std::int64_t>(Batch::size);
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (f.tokens > 64)
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    errors.attempt([&] {
      std::int64_t c = 0;
      for (; c + width <= f.H; c += width) work.template operator()<Batch>(s, c);
      for (; c < f.H; ++c) work.template operator()<T>(s, c);
    });
  }
  errors.rethrow();
}

template <class V, class T>
wkv::Channel<V> channel(const Wkv<T>& f, std::int64_t c) {
  return {load<V>(f.w + c), load<V>(f.u + c)};
}

}  // namespace

template <class T>
void wkv_forward(Cpu, const Wkv<T>& f, T* y, T* state, T* before) {
  const std::int64_t H = f.H;
  for_channels(f, [&]<class V>(std::int64_t s, std::int64_t c) {
    const auto of = channel<V>(f, c);
    auto carried = load_state<V>(state + s * 3 * H + c, H);
    for (std::int64_t t = f.offsets[s]; t < f.offsets[s + 1]; ++t) {
      const V k = load<V>(f.k + t * H + c), v = load<V>(f.v + t * H + c);
      if (before != nullptr) store_state(carried, before + t * 3 * H + c, H);
      store(wkv::mean(of, carried, k, v).y, y + t * H + c);
      carried = wkv::advance(of, carried, k, v);
    }
    store_state(carried, state + s * 3 * H + c, H);
  });
}

template <class T>
void wkv_backward(Cpu, const Wkv<T>& f, const WkvGradients<T>& out) {
  const std::int64_t H = f.H;
  for_channels(f, [&]<class V>(std::int64_t s, std::int64_t c) {
    const auto of = channel<V>(f, c);
    wkv::Carry<V> carry{V(T(0)), V(T(0)), V(static_cast<T>(wkv::lowest))};
    V dw(T(0)), du(T(0));
    for (std::int64_t t = f.offsets[s + 1] - 1; t >= f.offsets[s]; --t) {
      const auto gradients =
          wkv::backward(of, load_state<V>(out.before + t * 3 * H + c, H), load<V>(f.k + t * H + c),
                        load<V>(f.v + t * H + c), load<V>(out.dy + t * H + c), carry);
      store(gradients.k, out.dk + t * H + c);
      store(gradients.v, out.dv + t * H + c);
      dw += gradients.w;
      du += gradients.u;
    }
    store(dw, out.dw_parts + s * H + c);
    store(du, out.du_parts + s * H + c);
  });
}

#define WKV(T)                                                  \
  template void wkv_forward<T>(Cpu, const Wkv<T>&, T*, T*, T*); \
  template void wkv_backward<T>(Cpu, const Wkv<T>&, const WkvGradients<T>&);
WKV(float)
WKV(double)

}  // namespace lrurec::ops::kernels
