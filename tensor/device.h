#pragma once
// Where a tensor's memory lives, and the one place where an operation picks the kernel for it.

#include <concepts>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace lrurec {

enum class DeviceType { cpu, cuda };

struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;  ///< of the GPU; 0 on the CPU

  std::string str() const { return type == DeviceType::cpu ? "cpu" : fmt::format("cuda:{}", index); }
  friend bool operator==(const Device&, const Device&) = default;
};

/// Tags that select a kernel: `on_device("exp", x.device(), [&](Cpu) { cpu::exp(...); })`.
/// The CUDA backend joins by a lambda that also accepts Cuda.
struct Cpu {};
struct Cuda {};

template <class F>
void on_device(std::string_view op, Device device, F&& f) {
  if (device.type == DeviceType::cpu) {
    f(Cpu{});
  } else if constexpr (std::invocable<F, Cuda>) {
    f(Cuda{});
  } else {
    fail(ErrorKind::usage, "[{}] this build has no CUDA kernels; use --device cpu", op);
  }
}

}  // namespace lrurec
