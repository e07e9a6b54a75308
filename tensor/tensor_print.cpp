// A Tensor as text:
//
//   f32[2, 3]
//   [[ 1, 2,   3],
//    [-4, 5, 0.5]]

#include <cmath>
#include <limits>
#include <ostream>

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace lrurec {
namespace {

constexpr std::int64_t shown_whole = 64, shown_at_ends = 3;

/// Without the sign of a NaN, which is an accident of how it was computed.
template <class T>
T without_sign_of_nan(T x) {
  return std::isnan(x) ? std::numeric_limits<T>::quiet_NaN() : x;
}

template <class T>
std::string number(const T& x) {
  if constexpr (is_complex_type<T>) {
    return fmt::format("{:.6g}{:+.6g}i", without_sign_of_nan(x.real()), without_sign_of_nan(x.imag()));
  } else if constexpr (std::is_same_v<T, bool>) {
    return x ? "true" : "false";
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(x);
  } else {
    return fmt::format("{:.6g}", without_sign_of_nan(x));
  }
}

/// Walks the elements that are shown, twice: for the width of the widest number, then for the text.
class Printer {
 public:
  explicit Printer(const Tensor& t) : whole_(t.numel() <= shown_whole) {
    if (t.numel() == 0) {
      text = "[]";
      return;
    }
    measure(t);
    print(t, 1);
  }
  std::string text;

 private:
  /// f(entry) for the entries along the first dimension that are shown, f(-1) where some are left out.
  template <class F>
  void for_shown(const Tensor& t, F&& f) const {
    const std::int64_t n = t.size(0);
    for (std::int64_t i = 0; i < n; ++i) {
      if (!whole_ && n > 2 * shown_at_ends && i == shown_at_ends) {
        f(-1);
        i = n - shown_at_ends;
      }
      f(i);
    }
  }

  static std::string element(const Tensor& t) {
    std::string result;
    dispatch_all("str", t.dtype(), [&]<class T>() { result = number(t.item<T>()); });
    return result;
  }

  void measure(const Tensor& t) {
    if (t.rank() == 0) {
      width_ = std::max(width_, element(t).size());
      return;
    }
    for_shown(t, [&](std::int64_t i) {
      if (i >= 0) measure(t.select(0, i));
    });
  }

  void print(const Tensor& t, int depth) {
    if (t.rank() == 0) {
      text += fmt::format("{:>{}}", element(t), width_);
      return;
    }
    const std::string gap = t.rank() == 1 ? ", " : ",\n" + std::string(static_cast<std::size_t>(depth), ' ');
    text += '[';
    bool first = true;
    for_shown(t, [&](std::int64_t i) {
      if (!first) text += gap;
      first = false;
      if (i < 0) {
        text += "...";
      } else {
        print(t.select(0, i), depth + 1);
      }
    });
    text += ']';
  }

  bool whole_;
  std::size_t width_ = 0;
};

}  // namespace

std::string describe(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  return fmt::format("{} {}", name(tensor.dtype()), tensor.shape().str());
}

std::string Tensor::str() const {
  if (!defined()) return "undefined";
  return fmt::format("{}{}{}{}", name(dtype_), shape_.str(), rank() < 2 ? " " : "\n", Printer(host()).text);
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.str(); }

}  // namespace lrurec
