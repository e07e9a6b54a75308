#include "ops/primitives/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <type_traits>

#include "ops/primitives/amx.h"
#include "ops/primitives/bf16.h"
#include "ops/primitives/simd.h"

namespace lrurec::ops {
namespace {

// More chains than units times latency (two times four), fewer than registers.
constexpr std::size_t chains = 12;

/// Chains of sum + factor * factor for factors of the type In, in the registers of the calling thread.
template <class In>
float run_chains(std::int64_t rounds, In factor) {
  using Batch = xsimd::batch<float>;
  const xsimd::batch<In> factors(factor);
  Batch sums[chains];
  for (std::size_t c = 0; c < chains; ++c) sums[c] = Batch(static_cast<float>(c));
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (std::size_t c = 0; c < chains; ++c) sums[c] = multiply_add(factors, factors, sums[c]);
  }
  float sum = 0;
  for (const Batch& one : sums) sum += xsimd::hadd(one);
  return sum;  // or the compiler leaves all of it out
}

constexpr float small = 0x1p-10F;  // its square is added without overflow and without denormal numbers

/// The shortest of five times that run() took.
template <class Run>
double fastest_seconds(const Run& run) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

/// Multiply-adds a second of one core, in registers: on vectors of the type In, or by AMX.
template <class In>
double vector_rate(In factor) {
  constexpr std::int64_t rounds = 20'000;  // some tens of microseconds
  constexpr std::int64_t numbers = std::is_same_v<In, Bf16Pair> ? 2 : 1;
  std::atomic<float> kept{0};
  const double seconds = fastest_seconds([&] { kept = run_chains(rounds, factor); });
  return static_cast<double>(rounds * numbers) * chains * xsimd::batch<float>::size / seconds;
}
double amx_rate() {
  double products = 0;
  const double seconds = fastest_seconds([&] { products = amx_multiply_in_registers(1'000); });
  return products / seconds;
}

}  // namespace

double multiply_in_registers(std::int64_t rounds) {
  std::atomic<float> kept{0};
  std::atomic<std::int64_t> threads{0};
#pragma omp parallel
  {
    kept = run_chains(rounds, small);
    ++threads;
  }
  return 2.0 * static_cast<double>(threads) * static_cast<double>(rounds) * chains *
         xsimd::batch<float>::size;
}

double bf16_speed() {
  return (has_amx() ? amx_rate() : vector_rate(bf16_pair(small, small))) / vector_rate(small);
}

}  // namespace lrurec::ops
