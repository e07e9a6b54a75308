#pragma once
// What the benchmarks share: repeated timing, the machine's own rates, how results are printed.

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tensor/device.h"

namespace lrurec::command {

/// Times of several runs, sorted.
struct Times {
  std::vector<double> seconds;

  double median() const { return quantile(0.5); }
  double quantile(double q) const;
  /// {"PREFIX_median": ..., "PREFIX_quartiles": [.., ..], "PREFIX_runs": n}
  void add_to(nlohmann::json& json, const std::string& prefix) const;
  /// "142.5 ms (140.1 .. 146.7)": median and quartiles
  std::string str() const;
};

/// Runs `work` `warmup` times untimed, then `runs` times timed.
Times time_runs(int warmup, int runs, const std::function<void()>& work);

/// Waits until a GPU has done all it was given; on the CPU there is nothing to wait for.
void finish(Device device);

/// What this machine does at best on all threads, measured beside what is benchmarked: fused multiply-adds
/// that stay in registers, and a copy far larger than the caches (bytes read and bytes written both count).
/// sgemm_gflops is OpenBLAS's rate for products of 2048^3. It is a library's rate, which may lie far below
/// the hardware's.
struct MachineRates {
  double fma_gflops = 0, sgemm_gflops = 0, copy_gbps = 0;
};
/// On a GPU there is no fma_gflops; the others are cuBLAS on 4096^3 in the precision that is set, and a copy
/// of 1 GiB on the device. Memory of the measurement does not count in peak_memory_bytes() afterwards.
MachineRates measure_machine(Device device = {});
/// From now on measure_machine() takes next to no time and its rates mean nothing: for trying things out.
/// Results say so.
void measure_roughly();
/// The mean of rates before and after.
MachineRates between(const MachineRates& before, const MachineRates& after);

/// flop / fma rate + bytes / copy rate, in seconds: what the hardware takes at its best. On a GPU the rate of
/// products stands for the fma rate.
double floor_seconds(const MachineRates& rates, double flop, double bytes);
/// The same by OpenBLAS's rate, which was the definition before the hardware's rate was measured.
double blas_floor_seconds(const MachineRates& rates, double flop, double bytes);
/// A row of a table: the rates by name, and what they are.
std::vector<std::string> rates_row(const MachineRates& rates, Device device);

/// Machine, threads and BLAS, for every result.
nlohmann::json describe_machine(const MachineRates& rates, Device device = {});
/// In bytes: the largest resident size of this process since the machine was measured; for a GPU the largest
/// memory of its tensors.
double peak_memory_bytes(Device device = {});
/// The processor's name.
std::string processor();

/// "12.3 us", "4.56 ms", "1.23 s"
std::string seconds_text(double seconds);

}  // namespace lrurec::command
