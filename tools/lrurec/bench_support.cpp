#include "tools/lrurec/bench_support.h"

#include <fmt/format.h>
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>

#include "lrurec/util/builds.h"
#include "ops/matmul/blas_info.h"
#include "ops/primitives/gemm.h"
#include "ops/primitives/peak.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/runtime.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace lrurec::command {
namespace {

bool rough = false;

/// Resets the system's high-water mark (Linux). Where that fails, peaks include what was before.
void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// Random numbers, since on zeros or ones a GPU is faster than on anything else.
Tensor random_square(std::int64_t n, std::uint64_t stream) {
  const Philox random(1, stream);
  std::vector<float> values(static_cast<std::size_t>(n * n));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(random.uniform(i)) - 0.5F;
  return Tensor::from(values, {n, n});
}

void wait(Cpu) {}
[[maybe_unused]] void wait(Cuda) { cuda::synchronize(); }

MachineRates measure_gpu(Cpu, Device) { return {}; }
[[maybe_unused]] MachineRates measure_gpu(Cuda, Device device) {
  MachineRates rates;
  const auto seconds = [&](int runs, const std::function<void()>& work) {
    work();
    cuda::Event start, end;
    start.record();
    for (int i = 0; i < runs; ++i) work();
    end.record();
    return cuda::Event::elapsed_ms(start, end) * 1e-3 / runs;
  };
  {
    const std::int64_t n = rough ? 64 : 4096;
    const Tensor a = random_square(n, 1).to(device), b = random_square(n, 2).to(device);
    const Tensor c = Tensor::empty({n, n}, DType::f32, device);
    const double time = seconds(rough ? 1 : 20, [&] {
      cuda::gemm<float>(Read::plain, Read::plain, n, n, n, a.data<float>(), n, b.data<float>(), n, 0.F,
                        c.data<float>(), n);
    });
    rates.sgemm_gflops = 2.0 * static_cast<double>(n * n * n) / time * 1e-9;
  }
  {
    const std::int64_t bytes = std::int64_t{rough ? 1 : 1024} << 20;
    const Tensor from = Tensor::full({bytes / 4}, 1, DType::f32, device),
                 to = Tensor::empty(from.shape(), DType::f32, device);
    const double time = seconds(
        rough ? 1 : 20, [&] { cuda::on_device(to.raw(), from.raw(), static_cast<std::size_t>(bytes)); });
    rates.copy_gbps = 2.0 * static_cast<double>(bytes) / time * 1e-9;
  }
  release_memory_cache(DeviceType::cuda);
  reset_memory_peak(DeviceType::cuda);
  return rates;
}

void describe_gpu(Cpu, Device, nlohmann::json&) {}
[[maybe_unused]] void describe_gpu(Cuda, Device device, nlohmann::json& json) {
  json["gpu"] = cuda::device_info(device.index).name;
  json["tf32"] = cuda::tf32();
}

}  // namespace

double Times::quantile(double q) const {
  const double at = q * static_cast<double>(seconds.size() - 1);
  const auto low = static_cast<std::size_t>(at), high = std::min(low + 1, seconds.size() - 1);
  return std::lerp(seconds[low], seconds[high], at - std::floor(at));
}

void Times::add_to(nlohmann::json& json, const std::string& prefix) const {
  json[prefix + "_median"] = median();
  json[prefix + "_quartiles"] = {quantile(0.25), quantile(0.75)};
  json[prefix + "_runs"] = seconds.size();
}

std::string Times::str() const {
  return fmt::format("{} ({} .. {})", seconds_text(median()), seconds_text(quantile(0.25)),
                     seconds_text(quantile(0.75)));
}

Times time_runs(int warmup, int runs, const std::function<void()>& work) {
  for (int i = 0; i < warmup; ++i) work();
  Times times;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.seconds.begin(), times.seconds.end());
  return times;
}

void finish(Device device) {
  on_device("finish", device, [](auto where) { wait(where); });
}

MachineRates measure_machine(Device device) {
  if (device.is_cuda()) {
    MachineRates rates;
    on_device("measure", device, [&](auto where) { rates = measure_gpu(where, device); });
    return rates;
  }
  MachineRates rates;
  {
    double flop = 0;
    const Times times =
        time_runs(1, 5, [&] { flop = ops::multiply_in_registers(rough ? 1000 : 20'000'000); });
    rates.fma_gflops = flop / times.median() * 1e-9;
  }
  {
    const std::int64_t n = rough ? 128 : 2048;
    const Tensor a = Tensor::full({n, n}, 0.5, DType::f32), b = Tensor::full({n, n}, 0.25, DType::f32);
    const Tensor c = Tensor::empty({n, n}, DType::f32);
    const Times times = time_runs(1, 5, [&] {
      ops::kernels::gemm<float>(Cpu{}, Read::plain, Read::plain, n, n, n, a.data<float>(), n, b.data<float>(),
                                n, 0.F, c.data<float>(), n);
    });
    rates.sgemm_gflops = 2.0 * static_cast<double>(n * n * n) / times.median() * 1e-9;
  }
  {
    const std::int64_t bytes = std::int64_t{rough ? 1 : 96} << 20;  // beyond the caches
    const Tensor from = Tensor::full({bytes / 4}, 1, DType::f32),
                 to = Tensor::full({bytes / 4}, 0, DType::f32);
    const auto* source = reinterpret_cast<const std::byte*>(from.data<float>());
    auto* target = reinterpret_cast<std::byte*>(to.data<float>());
    const Times times = time_runs(1, 5, [&] {
#pragma omp parallel
      {
        const std::int64_t parts = omp_get_num_threads(), part = omp_get_thread_num();
        const std::int64_t begin = bytes * part / parts, end = bytes * (part + 1) / parts;
        std::memcpy(target + begin, source + begin, static_cast<std::size_t>(end - begin));
      }
    });
    rates.copy_gbps = 2.0 * static_cast<double>(bytes) / times.median() * 1e-9;
  }
  release_memory_cache();
  reset_peak_memory();
  return rates;
}

void measure_roughly() { rough = true; }

MachineRates between(const MachineRates& before, const MachineRates& after) {
  return {(before.fma_gflops + after.fma_gflops) / 2, (before.sgemm_gflops + after.sgemm_gflops) / 2,
          (before.copy_gbps + after.copy_gbps) / 2};
}

double floor_seconds(const MachineRates& rates, double flop, double bytes) {
  const double gflops = rates.fma_gflops > 0 ? rates.fma_gflops : rates.sgemm_gflops;
  return flop / (gflops * 1e9) + bytes / (rates.copy_gbps * 1e9);
}

double blas_floor_seconds(const MachineRates& rates, double flop, double bytes) {
  return flop / (rates.sgemm_gflops * 1e9) + bytes / (rates.copy_gbps * 1e9);
}

std::vector<std::string> rates_row(const MachineRates& rates, Device device) {
  if (device.is_cuda()) {
    return {"product, copy of this GPU",
            fmt::format("{:.0f} GF/s, {:.1f} GB/s", rates.sgemm_gflops, rates.copy_gbps)};
  }
  return {"fma, copy, OpenBLAS of this machine",
          fmt::format("{:.0f} GF/s, {:.1f} GB/s, {:.0f} GF/s ({})", rates.fma_gflops, rates.copy_gbps,
                      rates.sgemm_gflops, ops::blas_core())};
}

nlohmann::json describe_machine(const MachineRates& rates, Device device) {
  nlohmann::json json{{"processor", processor()},         {"vectors", util::name_of(util::compiled_for())},
                      {"threads", omp_get_max_threads()}, {"blas", ops::blas_description()},
                      {"blas_core", ops::blas_core()},    {"sgemm_gflops", rates.sgemm_gflops},
                      {"copy_gbps", rates.copy_gbps}};
  if (rates.fma_gflops > 0) json["fma_gflops"] = rates.fma_gflops;
  if (rough) json["rough_rates"] = true;
  on_device("describe", device, [&](auto where) { describe_gpu(where, device, json); });
  return json;
}

double peak_memory_bytes(Device device) {
  if (device.is_cuda()) return static_cast<double>(memory_stats(DeviceType::cuda).peak);
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} s", seconds);
}

}  // namespace lrurec::command
