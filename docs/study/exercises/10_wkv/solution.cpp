#include "exercise.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace study {

std::vector<double> wkv(double w, double u, std::span<const double> k, std::span<const double> v) {
  std::vector<double> y(k.size());
  // S and Z of the equations are S e^m and Z e^m; before any token they are 0, whatever m is.
  double S = 0, Z = 0, m = -std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t < k.size(); ++t) {
    const double top = std::max(m, u + k[t]);
    const double old = std::exp(m - top), newest = std::exp(u + k[t] - top);
    y[t] = (old * S + newest * v[t]) / (old * Z + newest);

    const double next = std::max(m - w, k[t]);
    const double kept = std::exp(m - w - next), added = std::exp(k[t] - next);
    S = kept * S + added * v[t];
    Z = kept * Z + added;
    m = next;
  }
  return y;
}

}  // namespace study
