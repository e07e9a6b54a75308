#pragma once
// Algorithm 1 slowed down: what stands in memory after each of its steps.

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

namespace lrurec::inspect {

struct ScanStep {
  std::string what;                          ///< "join 2 + 2: h_3 += lambda h_2, h_4 += lambda^2 h_2, ..."
  std::vector<std::complex<double>> values;  ///< of every position
};

/// One channel, h_t = lambda h_(t-1) + x_t: the inputs, then the values after each join of neighbouring
/// halves of length 1, 2, 4, ... (equation 6). Lengths that are no power of two are padded on the left by
/// zeros, which are not shown. x must not be empty.
std::vector<ScanStep> recursive_scan_steps(std::complex<double> lambda,
                                           const std::vector<std::complex<double>>& x);

/// The same one position after the other, as equation 2 says.
std::vector<std::complex<double>> sequential_scan(std::complex<double> lambda,
                                                  const std::vector<std::complex<double>>& x);

}  // namespace lrurec::inspect
