#pragma once
// One channel and one token of wkv, forward and backward: for numbers, for vectors of channels, in CUDA
// kernels.

#include "ops/primitives/formulas.h"
#include "tensor/host_device.h"

namespace lrurec::ops::kernels::wkv {

/// The running maximum of a state without tokens: e^lowest is 0, and so are its S and Z.
inline constexpr double lowest = -1e38;

template <class V>
LRUREC_HOST_DEVICE V larger(const V& a, const V& b) {
  return formulas::choose(a > b, a, b);
}

template <class V>
struct Channel {
  V w, u;
};

/// S = sum e^top, Z = weight e^top.
template <class V>
struct State {
  V sum, weight, top;
};

/// What a token sees: past = e^{before.top - top}, now = e^{u + k - top}, top being the larger of the two
/// exponents, so that one of them is 1 and neither is more.
template <class V>
struct Mean {
  V top, past, now;
  V weight;  ///< D e^-top
  V y;
};

template <class V>
LRUREC_HOST_DEVICE Mean<V> mean(const Channel<V>& channel, const State<V>& before, const V& k, const V& v) {
  const V bonus = channel.u + k, top = larger(before.top, bonus);
  const V past = formulas::exp(before.top - top), now = formulas::exp(bonus - top);
  const V weight = past * before.weight + now;
  return {top, past, now, weight, (past * before.sum + now * v) / weight};
}

template <class V>
LRUREC_HOST_DEVICE State<V> advance(const Channel<V>& channel, const State<V>& before, const V& k,
                                    const V& v) {
  const V aged = before.top - channel.w, top = larger(aged, k);
  const V past = formulas::exp(aged - top), now = formulas::exp(k - top);
  return {past * before.sum + now * v, past * before.weight + now, top};
}

/// The gradients G of S_t and G' of Z_t, times e^-top.
template <class V>
struct Carry {
  V of_sum, of_weight, top;
};
/// What a token gives: gradients of its k and v, and its part of those of w and u.
template <class V>
struct Gradients {
  V k, v, w, u;
};

/// Takes `carry` from S_t, Z_t to S_{t-1}, Z_{t-1}. No exponent exceeds 0, since each is the log of what a
/// token weighs in a later one's mean.
template <class V>
LRUREC_HOST_DEVICE Gradients<V> backward(const Channel<V>& channel, const State<V>& before, const V& k,
                                         const V& v, const V& dy, Carry<V>& carry) {
  const Mean<V> seen = mean(channel, before, k, v);
  const V of_sum = dy / seen.weight, of_weight = -seen.y * of_sum;  // gN and gD, times e^top
  const V own = seen.now * (of_sum * v + of_weight), later = formulas::exp(k + carry.top);
  const V aged = carry.top - channel.w, before_later = formulas::exp(before.top + aged);
  const Gradients<V> result{
      later * (carry.of_sum * v + carry.of_weight) + own, later * carry.of_sum + seen.now * of_sum,
      -before_later * (carry.of_sum * before.sum + carry.of_weight * before.weight), own};
  const V top = larger(aged, -seen.top), kept = formulas::exp(aged - top),
          entered = formulas::exp(-seen.top - top);
  carry = {kept * carry.of_sum + entered * of_sum, kept * carry.of_weight + entered * of_weight, top};
  return result;
}

}  // namespace lrurec::ops::kernels::wkv
