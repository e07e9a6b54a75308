#include "lrurec/inspect/scan_steps.h"

#include <fmt/format.h>

#include "tensor/error.h"

namespace lrurec::inspect {

std::vector<std::complex<double>> sequential_scan(std::complex<double> lambda,
                                                  const std::vector<std::complex<double>>& x) {
  std::vector<std::complex<double>> h;
  std::complex<double> state = 0;
  for (const auto input : x) h.push_back(state = lambda * state + input);
  return h;
}

std::vector<ScanStep> recursive_scan_steps(std::complex<double> lambda,
                                           const std::vector<std::complex<double>>& x) {
  if (x.empty()) fail(ErrorKind::internal, "[recursive_scan_steps] there is no input");
  const auto length = std::ssize(x);
  std::int64_t padded = 1;
  while (padded < length) padded *= 2;
  const std::int64_t pad = padded - length;

  std::vector<ScanStep> steps{{"x", x}};
  auto h = x;
  for (std::int64_t half = 1; half < padded; half *= 2) {
    std::string additions;
    for (std::int64_t start = 0; start < padded; start += 2 * half) {
      const std::int64_t last = start + half - 1 - pad;  // of the first half
      if (last < 0) continue;                            // it is padding
      std::complex<double> power = lambda;
      for (std::int64_t i = 1; i <= half; ++i, power *= lambda) {
        h[static_cast<std::size_t>(last + i)] += power * h[static_cast<std::size_t>(last)];
        additions += fmt::format("{}h{} += lambda{} h{}", additions.empty() ? "" : ", ", last + i + 1,
                                 i == 1 ? "" : fmt::format("^{}", i), last + 1);
      }
    }
    steps.push_back({fmt::format("join {} + {}: {}", half, half, additions), h});
  }
  return steps;
}

}  // namespace lrurec::inspect
