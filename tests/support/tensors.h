#pragma once
// Small helpers of the tests: values in, values out, largest differences.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tensor/error.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace lrurec::test {

/// Elements as complex doubles, whatever the dtype.
inline std::vector<c128> values(const Tensor& t) { return t.to(DType::c128).to_vector<c128>(); }

/// max |a - b| over all elements; infinity when a NaN is involved or shapes differ.
inline double max_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const auto x = values(a), y = values(b);
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = std::abs(x[i] - y[i]);
    if (!(d <= largest)) largest = std::isnan(d) ? INFINITY : d;
  }
  return largest;
}

inline double max_abs(const Tensor& t) { return max_difference(t, Tensor::zeros(t.shape(), t.dtype())); }

/// Standard normal values (both parts of complex ones).
inline Tensor random_normal(const Shape& shape, DType dtype, std::uint64_t seed = 1) {
  const Philox random(seed, 0);
  std::vector<c128> z(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = {random.normal(2 * i), random.normal(2 * i + 1)};
  const Tensor complex = Tensor::from(z, shape);
  if (is_complex(dtype)) return complex.to(dtype);
  return complex.view_as_real().select(-1, 0).to(dtype);
}

/// The same values laid out with other strides: every second column of a wider, transposed block of memory.
inline Tensor strided_copy(const Tensor& t) {
  if (t.rank() == 0) return t;
  Shape wide = t.shape();
  wide[t.rank() - 1] = 2 * t.size(-1);
  if (t.rank() > 1) std::swap(wide[0], wide[t.rank() - 1]);
  Tensor memory = Tensor::full(wide, 777, t.dtype(), t.device());
  if (t.rank() > 1) memory = memory.transpose(0, -1);
  Tensor view = memory.slice(-1, 0, 2 * t.size(-1), 2);
  view.copy_(t);
  return view;
}

/// Expects `statement` to throw Error of this kind whose message contains `part`.
template <class F>
void expect_error(ErrorKind kind, const std::string& part, F&& statement) {
  try {
    statement();
    ADD_FAILURE() << "no error; expected one with '" << part << "'";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

}  // namespace lrurec::test
