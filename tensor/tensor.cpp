// Views and copies of a Tensor. tensor_create.cpp makes Tensors, tensor_print.cpp prints them.

#include "tensor/tensor.h"

#include <array>

#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace lrurec {
bool Tensor::is_contiguous() const {
  if (numel() == 0) return true;
  std::int64_t step = 1;
  for (int d = rank() - 1; d >= 0; --d) {
    if (shape_[d] != 1 && strides_[d] != step) return false;
    step *= shape_[d];
  }
  return true;
}

Tensor Tensor::transpose(int dim0, int dim1) const {
  dim0 = normalize_dim("transpose", dim0, rank());
  dim1 = normalize_dim("transpose", dim1, rank());
  Tensor t = *this;
  std::swap(t.shape_[dim0], t.shape_[dim1]);
  std::swap(t.strides_[dim0], t.strides_[dim1]);
  return t;
}

Tensor Tensor::permute(const std::vector<int>& dims) const {
  if (static_cast<int>(dims.size()) != rank()) {
    fail_op("permute", "{} dimensions are named of shape {}", dims.size(), shape_.str());
  }
  Tensor t = *this;
  std::array<bool, Shape::max_rank> named{};
  for (int d = 0; d < rank(); ++d) {
    const int from = normalize_dim("permute", dims[static_cast<std::size_t>(d)], rank());
    if (std::exchange(named[static_cast<std::size_t>(from)], true)) {
      fail_op("permute", "dimension {} is named twice", from);
    }
    t.shape_[d] = shape_[from];
    t.strides_[d] = strides_[from];
  }
  return t;
}

Tensor Tensor::slice(int dim, std::int64_t start, std::int64_t end, std::int64_t step) const {
  dim = normalize_dim("slice", dim, rank());
  if (start < 0 || start > end || end > shape_[dim] || step < 1) {
    fail_op("slice", "{}:{}:{} of dimension {} of shape {}: 0 <= start <= end <= {} and step >= 1 are needed",
            start, end, step, dim, shape_.str(), shape_[dim]);
  }
  Tensor t = *this;
  t.offset_ += start * strides_[dim];
  t.shape_[dim] = (end - start) / step + ((end - start) % step == 0 ? 0 : 1);
  if (t.shape_[dim] > 1) t.strides_[dim] *= step;
  return t;
}

Tensor Tensor::select(int dim, std::int64_t index) const {
  dim = normalize_dim("select", dim, rank());
  if (index < -shape_[dim] || index >= shape_[dim]) {
    fail_op("select", "index {} of dimension {} of shape {} is not in {}..{}", index, dim, shape_.str(),
            -shape_[dim], shape_[dim] - 1);
  }
  if (index < 0) index += shape_[dim];
  return slice(dim, index, index + 1).squeeze(dim);
}

Tensor Tensor::broadcast_to(const Shape& shape) const {
  for (const auto size : shape) {
    if (size < 0) fail_op("broadcast_to", "shape {} has a negative size", shape.str());
  }
  if (shape == shape_) return *this;
  if (broadcast_shapes("broadcast_to", shape_, shape) != shape) {
    fail_op("broadcast_to", "shape {} cannot become {}", shape_.str(), shape.str());
  }
  Tensor t = *this;
  t.shape_ = shape;
  t.strides_ = shape;
  const int skip = shape.rank() - rank();
  for (int d = 0; d < shape.rank(); ++d) {
    const bool stretched = d < skip || (shape_[d - skip] == 1 && shape[d] != 1);
    t.strides_[d] = stretched ? 0 : strides_[d - skip];
  }
  return t;
}

Tensor Tensor::unsqueeze(int dim) const {
  if (!defined()) fail_undefined("unsqueeze");
  dim = normalize_dim("unsqueeze", dim, rank() + 1);
  Tensor t = *this;
  t.shape_.insert(dim, 1);
  t.strides_.insert(dim, 1);
  return t;
}

Tensor Tensor::squeeze(int dim) const {
  dim = normalize_dim("squeeze", dim, rank());
  if (shape_[dim] != 1) fail_op("squeeze", "dimension {} of shape {} is not 1", dim, shape_.str());
  Tensor t = *this;
  t.shape_.erase(dim);
  t.strides_.erase(dim);
  return t;
}

Tensor Tensor::reshape(Shape shape) const {
  if (!defined()) fail_undefined("reshape");
  const Shape asked = shape;
  int unknown = -1;
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == -1 && unknown < 0) {
      unknown = d;
      shape[d] = 1;
    } else if (shape[d] < 0) {
      fail_op("reshape", "shape {} has a negative size", asked.str());
    }
  }
  if (unknown >= 0) {
    const std::int64_t known = shape.numel("reshape");
    if (known == 0) fail_op("reshape", "shape {}: any size would do for the -1; say which", asked.str());
    shape[unknown] = numel() / known;
  }
  if (shape.numel("reshape") != numel()) {
    fail_op("reshape", "shape {} has {} elements, shape {} cannot have as many", shape_.str(), numel(),
            asked.str());
  }
  Tensor t = contiguous();
  t.shape_ = shape;
  t.strides_ = contiguous_strides(shape);
  return t;
}

Tensor Tensor::view_as_real() const {
  if (!is_complex(dtype_)) fail_op("view_as_real", "dtype {} is not complex", name(dtype_));
  Tensor t = *this;
  t.dtype_ = real_of(dtype_);
  t.offset_ *= 2;
  for (int d = 0; d < rank(); ++d) t.strides_[d] *= 2;
  t.shape_.push_back(2);
  t.strides_.push_back(1);
  return t;
}

Tensor Tensor::part(const char* op, int which) const {
  if (!is_complex(dtype_)) fail_op(op, "dtype {} is not complex", name(dtype_));
  Tensor t = *this;
  t.dtype_ = real_of(dtype_);
  t.offset_ = 2 * offset_ + which;
  for (int d = 0; d < rank(); ++d) t.strides_[d] *= 2;
  return t;
}

Tensor Tensor::view_as_complex() const {
  if (!is_real(dtype_) || rank() == 0 || shape_.at(-1) != 2) {
    fail_op("view_as_complex", "a real tensor [..., 2] is needed, not {} {}", name(dtype_), shape_.str());
  }
  // Both parts must be neighbours at an even offset to be one complex number.
  Tensor t = *this;
  bool pairs = strides_.at(-1) == 1 && offset_ % 2 == 0;
  for (int d = 0; d + 1 < rank(); ++d) pairs = pairs && (strides_[d] % 2 == 0 || shape_[d] == 1);
  if (!pairs) t = clone();
  t.dtype_ = complex_of(dtype_);
  t.offset_ /= 2;
  t.shape_.erase(t.rank() - 1);
  t.strides_.erase(t.strides_.rank() - 1);
  for (int d = 0; d < t.rank(); ++d) t.strides_[d] /= 2;
  return t;
}

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::clone() const { return empty(shape_, dtype_, device()).copy_(*this); }

// The strides of a Tensor are never negative, except for the source of this one copy.
Tensor Tensor::flip(const std::vector<int>& dims) const {
  Tensor reversed = *this;
  std::array<bool, Shape::max_rank> named{};
  for (const int given : dims) {
    const int dim = normalize_dim("flip", given, rank());
    if (std::exchange(named[static_cast<std::size_t>(dim)], true)) {
      fail_op("flip", "dimension {} is named twice", dim);
    }
    if (shape_[dim] <= 1) continue;
    reversed.offset_ += (shape_[dim] - 1) * strides_[dim];
    reversed.strides_[dim] = -strides_[dim];
  }
  return empty(shape_, dtype_, device()).copy_(reversed);
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  return empty(shape_, dtype, device()).copy_(*this);
}

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  if (device.is_cuda() && this->device().is_cuda()) {
    fail_op("to", "from {} to {}: one process uses one GPU", this->device().str(), device.str());
  }
  return device.is_cuda() ? copied_to(device) : host();
}

Tensor Tensor::host() const { return device().is_cuda() ? copied_to(Device{}) : *this; }

Tensor Tensor::copied_to(Device device) const {
  const Tensor from = contiguous();
  Tensor t = empty(shape_, dtype_, device);
  const std::size_t bytes = static_cast<std::size_t>(numel()) * size_of(dtype_);
  on_device("to", {DeviceType::cuda}, [&](auto) {
    if constexpr (cuda_enabled) {
      if (device.is_cuda()) {
        cuda::to_device(t.raw(), from.raw(), bytes);
      } else {
        cuda::to_host(t.raw(), from.raw(), bytes);
      }
    }
  });
  return t;
}

void Tensor::fail_undefined(std::string_view op) { fail_op(op, "the tensor is undefined"); }

void check_defined(std::string_view op, const Tensor& tensor) {
  if (!tensor.defined()) fail_op(op, "the tensor is undefined");
}

void Tensor::check_type(const char* op, DType asked) const {
  if (!defined()) fail_undefined(op);
  if (asked != dtype_) fail_op(op, "asked for {} of a tensor of {}", name(asked), name(dtype_));
}

void Tensor::check_one_element() const {
  if (numel() != 1) fail_op("item", "shape {} has {} elements, not one", shape_.str(), numel());
}

}  // namespace lrurec
