#pragma once
// The device of a tensor's memory, and the one place where an operation picks the kernel for a device.

#include <concepts>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace lrurec {

enum class DeviceType { cpu, cuda };

struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;  ///< of the GPU; 0 on the CPU

  bool is_cuda() const { return type == DeviceType::cuda; }
  std::string str() const { return type == DeviceType::cpu ? "cpu" : fmt::format("cuda:{}", index); }
  /// "cpu", "cuda" (the first GPU) or "cuda:1"; anything else throws ErrorKind::usage.
  static Device parse(std::string_view text);
  friend bool operator==(const Device&, const Device&) = default;
};

/// Whether this build has CUDA kernels, on a GPU or emulated (tensor/cuda/emulator/).
#ifdef LRUREC_CUDA_ENABLED
inline constexpr bool cuda_enabled = true;
#else
inline constexpr bool cuda_enabled = false;
#endif

/// Tags that select a kernel among overloads.
struct Cpu {};
struct Cuda {};

/// Lives while a kernel of a device is called on this thread. Tensor::data() of an operand on another kind of
/// device is then an error, before anything is launched.
class KernelCall {
 public:
  KernelCall(std::string_view op, Device device) : before_(current_), op_(op), device_(device) {
    current_ = this;
  }
  ~KernelCall() { current_ = before_; }
  KernelCall(const KernelCall&) = delete;
  KernelCall& operator=(const KernelCall&) = delete;

  static void check_operand(Device operand) {
    if (current_ != nullptr && current_->device_.type != operand.type) fail_operand(operand);
  }

 private:
  [[noreturn]] static void fail_operand(Device operand);
  static inline thread_local const KernelCall* current_ = nullptr;
  const KernelCall* before_;
  std::string_view op_;
  Device device_;
};

/// Calls f with the tag of the device, and so the kernel for it:
///
///   on_device("embedding", x.device(), [&](auto where) { gather_rows(where, n, ...); });
///
/// A build without CUDA never instantiates the Cuda half, and throws ErrorKind::usage for a GPU. An f that
/// takes Cpu alone has no CUDA kernel, which is an error on a GPU.
template <class F>
void on_device(std::string_view op, Device device, F&& f) {
  if constexpr (!cuda_enabled) {
    if (device.is_cuda()) {
      fail(ErrorKind::usage, "[{}] this build has no CUDA kernels; use --device cpu", op);
    }
    f(Cpu{});
  } else {
    const KernelCall call(op, device);
    if (!device.is_cuda()) {
      f(Cpu{});
    } else if constexpr (std::invocable<F, Cuda>) {
      f(Cuda{});
    } else {
      fail(ErrorKind::internal, "[{}] has no CUDA kernel", op);
    }
  }
}

/// Returns `device` if it can be used. Otherwise throws ErrorKind::usage with the reason: no CUDA in this
/// build, no driver, no such GPU, or no kernels for its architecture. There is no silent fall-back to the
/// CPU.
Device require_device(Device device);

}  // namespace lrurec
