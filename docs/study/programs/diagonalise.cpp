// A dense recurrence of two real numbers is one complex number by itself.
#include <fmt/format.h>

#include <complex>

#include "ops/linear_scan/linear_scan.h"

using namespace lrurec;

int main() {
  const double a11 = 0.53, a12 = -0.71, a21 = 0.89, a22 = 0.37;  // A
  const double b1 = 1, b2 = 0.5, c1 = 1, c2 = -1;                // B, C
  const std::vector<double> x{1, 0, 0, 0.7, -1.3, 0, 0.4, 0};

  // Eigenvalues lambda and conj(lambda), eigenvectors v and conj(v): the columns of P.
  const double half = (a11 + a22) / 2, det = a11 * a22 - a12 * a21;
  const c128 lambda(half, std::sqrt(det - half * half));
  const c128 v1 = a12, v2 = lambda - a11;
  // First row of P^-1 B, first column of C P; the second ones are their conjugates.
  const c128 b = (b1 * std::conj(v2) - b2 * std::conj(v1)) / (v1 * std::conj(v2) - v2 * std::conj(v1));
  const c128 c = c1 * v1 + c2 * v2;
  fmt::print("lambda = {:.4f} {:+.4f}i, |lambda| = {:.4f}\n", lambda.real(), lambda.imag(), std::abs(lambda));

  std::vector<c128> u;
  for (const double value : x) u.push_back(b * value);
  const Tensor h = ops::raw::linear_scan(Tensor::from(std::vector<c128>{lambda}), Tensor::from(u, {8, 1}),
                                         Tensor::from(std::vector<std::int64_t>{0, 8}))
                       .states;
  const auto diagonal = h.to_vector<c128>();

  double s1 = 0, s2 = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double next1 = a11 * s1 + a12 * s2 + b1 * x[t], next2 = a21 * s1 + a22 * s2 + b2 * x[t];
    s1 = next1, s2 = next2;
    fmt::print("t {}: dense {:7.4f}   2 Re(c h) {:7.4f}\n", t + 1, c1 * s1 + c2 * s2,
               2 * (c * diagonal[t]).real());
  }
}
