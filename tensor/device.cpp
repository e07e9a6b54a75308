#include "tensor/device.h"

#include <charconv>

#include "tensor/cuda/runtime.h"

namespace lrurec {
namespace {

void require(Cpu, int) {}
[[maybe_unused]] void require(Cuda, int index) {
  const int count = cuda::device_count();
  if (count == 0) fail(ErrorKind::usage, "there is a CUDA driver but no GPU here; use --device cpu");
  if (index >= count) {
    fail(ErrorKind::usage, "there is no cuda:{}: {} here; use --device cpu or another index", index,
         count == 1 ? std::string("one GPU is") : fmt::format("{} GPUs are", count));
  }
  const cuda::DeviceInfo gpu = cuda::device_info(index);
  if (!gpu.has_kernels) {
    fail(ErrorKind::usage,
         "{} has compute capability {}.{}, and this build has no kernels for it ({}); build with "
         "-DCMAKE_CUDA_ARCHITECTURES={}{} or use --device cpu",
         gpu.name, gpu.major, gpu.minor, cuda::versions(), gpu.major, gpu.minor);
  }
  cuda::select_device(index);
}

}  // namespace

Device Device::parse(std::string_view text) {
  if (text == "cpu") return {};
  if (text == "cuda") return {DeviceType::cuda, 0};
  constexpr std::string_view prefix = "cuda:";
  if (text.starts_with(prefix)) {
    const std::string_view number = text.substr(prefix.size());
    int index = -1;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
    if (error == std::errc() && end == number.data() + number.size() && index >= 0)
      return {DeviceType::cuda, index};
  }
  fail(ErrorKind::usage, "there is no device '{}'; use cpu, cuda or cuda:1", text);
}

void KernelCall::fail_operand(Device operand) {
  fail_op(current_->op_, "one operand is on {}, another on {}; bring them together with to(device)",
          operand.str(), current_->device_.str());
}

Device require_device(Device device) {
  if (device.is_cuda() && !cuda_enabled) {
    fail(ErrorKind::usage,
         "this build has no CUDA kernels: build it where nvcc is (LRUREC_CUDA=ON), or use --device cpu");
  }
  on_device("device", device, [&](auto where) { require(where, device.index); });
  return device;
}

}  // namespace lrurec
