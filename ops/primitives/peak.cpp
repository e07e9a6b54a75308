#include "ops/primitives/peak.h"

#include <omp.h>

#include <atomic>
#include <xsimd/xsimd.hpp>

namespace lrurec::ops {

double multiply_in_registers(std::int64_t rounds) {
  using Batch = xsimd::batch<float>;
  // More chains than units times the latency of one (two and four), fewer than registers.
  constexpr std::size_t chains = 12;
  std::atomic<float> kept{0};
  std::atomic<std::int64_t> threads{0};
#pragma omp parallel
  {
    Batch sums[chains];
    for (std::size_t c = 0; c < chains; ++c) sums[c] = Batch(static_cast<float>(c));
    const Batch factor(0.5F), summand(1e-3F);  // they settle: no overflow, no denormal numbers
    for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
      for (std::size_t c = 0; c < chains; ++c) sums[c] = xsimd::fma(sums[c], factor, summand);
    }
    float sum = 0;
    for (const Batch& one : sums) sum += xsimd::hadd(one);
    kept = sum;  // or the compiler leaves all of it out
    ++threads;
  }
  return 2.0 * static_cast<double>(threads) * static_cast<double>(rounds) * chains * Batch::size;
}

}  // namespace lrurec::ops
