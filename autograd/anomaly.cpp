#include "autograd/anomaly.h"

#include <algorithm>
#include <cmath>

#include "tensor/dispatch.h"

namespace lrurec {
namespace {

thread_local DetectAnomaly* living_detector = nullptr;

template <class T>
bool finite(const T& x) {
  if constexpr (is_complex_type<T>) {
    return std::isfinite(x.real()) && std::isfinite(x.imag());
  } else {
    return std::isfinite(x);
  }
}

}  // namespace

DetectAnomaly::DetectAnomaly() : before_(living_detector) { living_detector = this; }
DetectAnomaly::~DetectAnomaly() { living_detector = before_; }
DetectAnomaly* DetectAnomaly::current() { return living_detector; }

void DetectAnomaly::note_forward(std::string text) {
  if (forward_.empty()) forward_ = std::move(text);
}

std::string describe_non_finite(const Tensor& t) {
  std::string found;
  if (!t.defined() || !is_inexact(t.dtype())) return found;
  const Tensor dense = t.host().contiguous();
  dispatch_inexact("anomaly", t.dtype(), [&]<class T>() {
    const T* x = dense.data<T>();
    const T* at = std::find_if_not(x, x + dense.numel(), finite<T>);
    if (at == x + dense.numel()) return;
    std::int64_t flat = at - x;
    Shape index = t.shape();
    for (int d = t.rank() - 1; d >= 0; --d) {
      index[d] = flat % t.shape()[d];
      flat /= t.shape()[d];
    }
    found =
        fmt::format("{} at {}", Tensor::scalar(*at).str().substr(name(t.dtype()).size() + 3), index.str());
  });
  return found;
}

}  // namespace lrurec
