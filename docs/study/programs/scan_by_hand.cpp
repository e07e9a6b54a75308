// Algorithm 1 on six numbers: pad on the left to a power of two, then join neighbours.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

int main() {
  const double lambda = 0.5;
  const std::vector<double> x{8, 0, 0, 4, 0, 2};

  std::size_t padded = 1, joins = 0;
  while (padded < x.size()) padded *= 2;
  std::vector<double> h(padded - x.size(), 0);  // zeros in front change nothing behind them
  h.insert(h.end(), x.begin(), x.end());
  fmt::print("x               {}\n", fmt::join(h, " "));

  for (std::size_t half = 1; half < padded; half *= 2) {
    for (std::size_t start = 0; start < padded; start += 2 * half) {  // independent of each other
      const double carried = h[start + half - 1];                     // end of the first half
      double power = lambda;
      for (std::size_t i = 0; i < half; ++i, power *= lambda, ++joins) h[start + half + i] += power * carried;
    }
    fmt::print("joined to {}     {}\n", 2 * half, fmt::join(h, " "));
  }

  std::vector<double> steps;
  double state = 0;
  for (const double value : x) steps.push_back(state = lambda * state + value);
  fmt::print("one by one          {}\n", fmt::join(steps, " "));
  fmt::print("multiply-adds: {} in 3 rounds, one by one {} in {} rounds\n", joins, x.size() - 1,
             x.size() - 1);
}
