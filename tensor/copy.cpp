// Filling, copying, converting and accumulating: the in-place members of Tensor, and their CPU kernels.

#include <atomic>
#include <cmath>
#include <limits>
#include <type_traits>

#include "tensor/copy_kernels.h"
#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace lrurec {
namespace {

template <class To, class From>
To convert(From x) {
  if constexpr (is_complex_type<To>) {
    using R = real_type<To>;
    if constexpr (is_complex_type<From>) {
      return To(static_cast<R>(x.real()), static_cast<R>(x.imag()));
    } else {
      return To(static_cast<R>(x), R(0));
    }
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace

template <class T>
void kernels::fill(Cpu, const StridedLoop<1>& loop, T* to, T value) {
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) to[at[0] + i * loop.inner_strides[0]] = value;
  });
}

template <class To, class From>
void kernels::copy(Cpu, const StridedLoop<2>& loop, To* to, const From* from) {
  const auto [to_step, from_step] = loop.inner_strides;
  loop.run([&, to_step = to_step, from_step = from_step](const auto& at, std::int64_t n) {
    To* d = to + at[0];
    const From* s = from + at[1];
    if (to_step == 1 && from_step == 1) {
      for (std::int64_t i = 0; i < n; ++i) d[i] = convert<To>(s[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) d[i * to_step] = convert<To>(s[i * from_step]);
    }
  });
}

template <class To, class From>
bool kernels::holds(Cpu, const StridedLoop<1>& loop, const From* from) {
  std::atomic<bool> all = true;
  loop.run([&](const auto& at, std::int64_t n) {
    const From* x = from + at[0];
    bool held = true;
    for (std::int64_t i = 0; i < n; ++i) held &= holds_number<To>(x[i * loop.inner_strides[0]]);
    if (!held) all = false;
  });
  return all;
}

template <class T>
void kernels::add(Cpu, const StridedLoop<2>& loop, T* to, const T* from) {
  const auto steps = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) to[at[0] + i * steps[0]] += from[at[1] + i * steps[1]];
  });
}

/// Throws for a broadcast view, whose elements share a place in memory: writing to each in turn makes no
/// sense.
void Tensor::check_writable(const char* op) const {
  if (!defined()) fail_undefined(op);
  for (int d = 0; d < rank(); ++d) {
    if (strides_[d] == 0 && shape_[d] > 1 && numel() > 0) {
      fail_op(op, "the elements of this view of shape {} share memory (a broadcast); write to a clone",
              shape_.str());
    }
  }
}

/// The source, or a copy of it where writing to this tensor could change elements that are still to be read.
Tensor Tensor::apart_from(const Tensor& source) const {
  const bool same_places = source.offset_ == offset_ && source.strides_ == strides_ &&
                           source.shape_ == shape_ && source.dtype_ == dtype_;
  return source.storage_ == storage_ && !same_places ? source.clone() : source;
}

Tensor& Tensor::fill_(double value) {
  check_writable("fill");
  dispatch_all("fill", dtype_, [&]<class T>() {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      constexpr auto least = static_cast<double>(std::numeric_limits<T>::min());
      if (!(value >= least && value < -least) || value != std::floor(value)) {
        fail_op("fill", "{} is no number of {}", value, name(dtype_));
      }
    }
  });
  const StridedLoop<1> loop(shape_, {strides_});
  on_device("fill", device(), [&](auto where) {
    dispatch_all("fill", dtype_,
                 [&]<class T>() { kernels::fill(where, loop, data<T>(), convert<T>(value)); });
  });
  mark_changed();
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  if (lrurec::is_complex(source.dtype_) && !lrurec::is_complex(dtype_)) {
    fail_op("copy", "{} to {} would drop the imaginary part; use real() or imag()", name(source.dtype_),
            name(dtype_));
  }
  check_writable("copy");
  const Tensor from = apart_from(source).to(device()).broadcast_to(shape_);
  const StridedLoop<2> loop(shape_, {strides_, from.strides_});
  on_device("copy", device(), [&](auto where) {
    dispatch_all("copy", dtype_, [&]<class To>() {
      dispatch_all("copy", from.dtype_, [&]<class From>() {
        if constexpr (is_complex_type<To> || !is_complex_type<From>) {
          if constexpr (kernels::may_not_hold<To, From>) {
            if (!kernels::holds<To>(where, StridedLoop<1>(shape_, {from.strides_}),
                                    static_cast<const From*>(from.data<From>()))) {
              fail_op("copy", "{} to {}: a number is out of its range, or NaN", name(from.dtype_),
                      name(dtype_));
            }
          }
          kernels::copy(where, loop, data<To>(), static_cast<const From*>(from.data<From>()));
        }
      });
    });
  });
  mark_changed();
  return *this;
}

Tensor& Tensor::add_(const Tensor& source) {
  if (source.shape_ != shape_ || source.dtype_ != dtype_ || source.device() != device()) {
    fail_op("add_", "{} {} on {} += {} {} on {}: they must agree", name(dtype_), shape_.str(), device().str(),
            name(source.dtype_), source.shape_.str(), source.device().str());
  }
  check_writable("add_");
  const Tensor from = apart_from(source);
  const StridedLoop<2> loop(shape_, {strides_, from.strides_});
  on_device("add_", device(), [&](auto where) {
    dispatch_inexact("add_", dtype_, [&]<class T>() {
      kernels::add(where, loop, data<T>(), static_cast<const T*>(from.data<T>()));
    });
  });
  mark_changed();
  return *this;
}

}  // namespace lrurec
