// Making tensors.

#include <cmath>
#include <cstring>
#include <utility>

#include "tensor/cuda/runtime.h"
#include "tensor/dispatch.h"
#include "tensor/error.h"
#include "tensor/strided_loop.h"
#include "tensor/tensor.h"

namespace lrurec {
namespace {

void zero_bytes(Cpu, std::byte* p, std::size_t bytes) { std::memset(p, 0, bytes); }
[[maybe_unused]] void zero_bytes(Cuda, std::byte* p, std::size_t bytes) { cuda::fill_zero(p, bytes); }

/// A tensor whose element i is f(i), a double. It is made on the CPU and sent to the device.
template <class F>
Tensor generate(std::string_view op, const Shape& shape, DType dtype, Device device, F&& f) {
  const Tensor t = Tensor::empty(shape, dtype);
  dispatch_types<std::int32_t, std::int64_t, float, double>(op, dtype, [&]<class T>() {
    T* to = t.data<T>();
    const std::int64_t n = t.numel();
#pragma omp parallel for schedule(static) if (n > parallel_grain)
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(f(i));
  });
  return t.to(device);
}

/// The same for a real or complex dtype; f(2i) and f(2i + 1) are the parts of complex element i.
template <class F>
Tensor generate_inexact(std::string_view op, const Shape& shape, DType dtype, Device device, F&& f) {
  if (!is_inexact(dtype)) fail_op(op, "dtype {} is neither real nor complex", name(dtype));
  if (is_real(dtype)) return generate(op, shape, dtype, device, f);
  return generate(op, {shape.numel(), 2}, real_of(dtype), device, f).view_as_complex().reshape(shape);
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  std::int64_t bytes = shape.numel();
  if (__builtin_mul_overflow(bytes, static_cast<std::int64_t>(size_of(dtype)), &bytes)) {
    fail_op("empty", "shape {} of {} has more than 2^63 bytes", shape.str(), name(dtype));
  }
  for (const auto size : shape) {
    if (size < 0) fail_op("empty", "shape {} has a negative size", shape.str());
  }
  Tensor t;
  t.storage_ = std::make_shared<Storage>(static_cast<std::size_t>(bytes), device);
  t.shape_ = shape;
  t.strides_ = contiguous_strides(shape);
  t.dtype_ = dtype;
  return t;
}

Tensor Tensor::empty_for(std::size_t values, const Shape& shape, DType dtype) {
  if (shape.numel() != static_cast<std::int64_t>(values)) {
    fail_op("from", "{} values do not fill shape {}", values, shape.str());
  }
  return empty(shape, dtype);
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  on_device("zeros", device, [&](auto where) { zero_bytes(where, t.raw(), t.storage_->bytes()); });
  return t;
}

Tensor Tensor::ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  t.fill_(value);
  return t;
}

Tensor Tensor::eye(std::int64_t n, DType dtype, Device device) {
  Tensor t = zeros({n, n}, dtype, device), diagonal = t;
  diagonal.shape_ = {n};
  diagonal.strides_ = {n + 1};
  diagonal.fill_(1);
  return t;
}

Tensor Tensor::arange(std::int64_t start, std::int64_t end, std::int64_t step, DType dtype, Device device) {
  if (step == 0) fail_op("arange", "the step is 0; it is a whole number, see linspace for fractions");
  // Unsigned, where no difference overflows.
  const auto bits = [](std::int64_t x) { return static_cast<std::uint64_t>(x); };
  const bool any = step > 0 ? start < end : start > end;
  const std::uint64_t distance = step > 0 ? bits(end) - bits(start) : bits(start) - bits(end),
                      width = step > 0 ? bits(step) : 0 - bits(step),
                      steps = any ? 1 + (distance - 1) / width : 0;
  if (!std::in_range<std::int64_t>(steps)) fail_op("arange", "{} numbers are too many", steps);
  const auto count = static_cast<std::int64_t>(steps);
  const auto fits = [](std::int64_t x) { return std::in_range<std::int32_t>(x); };
  if (dtype == DType::i32 && count > 0 && !(fits(start) && fits(start + (count - 1) * step))) {
    fail_op("arange", "{} to {} does not fit i32; i64 holds it", start, end);
  }
  return generate("arange", {count}, dtype, device, [&](std::int64_t i) { return start + i * step; });
}

// Computed from both ends, so that the last number is exactly `end`, and between -a and a the numbers are
// symmetric.
Tensor Tensor::linspace(double start, double end, std::int64_t steps, DType dtype, Device device) {
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  const auto at = [&](std::int64_t i) {
    return i < (steps + 1) / 2 ? start + static_cast<double>(i) * step
                               : end - static_cast<double>(steps - 1 - i) * step;
  };
  if (!is_inexact(dtype)) fail_op("linspace", "dtype {} is neither real nor complex", name(dtype));
  return generate("linspace", {steps}, real_of(dtype), device, at).to(dtype);
}

Tensor Tensor::rand(const Shape& shape, const Philox& random, DType dtype, Device device) {
  // The largest f64 below 1 would round to 1 in f32.
  const double most = real_of(dtype) == DType::f32 ? 0x1.fffffep-1 : 1;
  return generate_inexact("rand", shape, dtype, device, [&](std::int64_t i) {
    return std::min(random.uniform(static_cast<std::uint64_t>(i)), most);
  });
}

Tensor Tensor::randn(const Shape& shape, const Philox& random, DType dtype, Device device) {
  const double scale = is_complex(dtype) ? std::sqrt(0.5) : 1;
  return generate_inexact("randn", shape, dtype, device, [&](std::int64_t i) {
    return scale * random.normal(static_cast<std::uint64_t>(i));
  });
}

}  // namespace lrurec
