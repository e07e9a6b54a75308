#pragma once
// Tensor: a typed, strided view of a block of memory. It knows nothing of gradients (see
// autograd/variable.h).

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace lrurec {

class Tensor;

/// While one of these lives on a thread, it lists the tensors that are copied there. So the graph finds out
/// what a backward function holds: it copies the function once.
class CopyWatch {
 public:
  struct Seen {
    const Storage* storage;
    std::uint32_t version;
  };
  CopyWatch() : before_(current_) { current_ = this; }
  ~CopyWatch() { current_ = before_; }
  CopyWatch(const CopyWatch&) = delete;
  CopyWatch& operator=(const CopyWatch&) = delete;
  std::vector<Seen> take() { return std::move(seen_); }

 private:
  friend class Tensor;
  static inline thread_local CopyWatch* current_ = nullptr;
  CopyWatch* before_;
  std::vector<Seen> seen_;
};

/// Copying a Tensor copies the view, not the elements; use clone() for the elements.
/// A default-constructed Tensor is undefined: it stands for "none" (no bias, no gradient).
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other)
      : storage_(other.storage_),
        offset_(other.offset_),
        shape_(other.shape_),
        strides_(other.strides_),
        dtype_(other.dtype_) {
    if (CopyWatch::current_ != nullptr) note_copy();
  }
  Tensor(Tensor&&) = default;
  Tensor& operator=(const Tensor&) = default;
  Tensor& operator=(Tensor&&) = default;
  ~Tensor() = default;

  // Making tensors. Memory of empty() is not cleared.
  static Tensor empty(const Shape& shape, DType dtype, Device device = {});
  static Tensor zeros(const Shape& shape, DType dtype, Device device = {});
  static Tensor full(const Shape& shape, double value, DType dtype, Device device = {});
  /// A tensor with the elements of `values` in row-major order.
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape);
  template <class T>
  static Tensor from(const std::vector<T>& values) {
    return from(values, Shape{static_cast<std::int64_t>(values.size())});
  }
  template <class T>
  static Tensor scalar(T value) {
    return from(std::vector<T>{value}, Shape{});
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  const Shape& strides() const { return strides_; }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device{}; }
  int rank() const { return shape_.rank(); }
  std::int64_t size(int dim) const { return shape_.at(dim); }
  std::int64_t numel() const { return shape_.numel(); }
  bool is_contiguous() const;
  /// Whether another Tensor sees this one's block of memory.
  bool shares_memory() const { return storage_.use_count() > 1; }

  /// Pointer to the first element of the view; an error unless T is the tensor's element type.
  template <class T>
  T* data() const {
    check_type(dtype_of<T>);
    if constexpr (cuda_enabled) KernelCall::check_operand(storage_->device());
    return reinterpret_cast<T*>(raw());
  }
  std::byte* raw() const {
    if (!storage_) fail_undefined();
    return storage_->data() + offset_ * static_cast<std::int64_t>(size_of(dtype_));
  }

  /// The value of a one-element tensor. On a GPU this waits for it.
  template <class T>
  T item() const {
    check_one_element();
    check_type(dtype_of<T>);
    return *reinterpret_cast<const T*>(host().raw());
  }
  /// All elements in row-major order. On a GPU this waits for them.
  template <class T>
  std::vector<T> to_vector() const;

  // Views: they share the memory of this tensor.
  Tensor transpose(int dim0, int dim1) const;
  /// Elements start, start+step, ... below end of one dimension. 0 <= start <= end <= size, step >= 1.
  Tensor slice(int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1) const;
  /// One index of a dimension, which disappears.
  Tensor select(int dim, std::int64_t index) const;
  Tensor broadcast_to(const Shape& shape) const;
  Tensor unsqueeze(int dim) const;
  Tensor squeeze(int dim) const;
  /// Same elements in row-major order under another shape (one size may be -1). A view where the strides
  /// allow it, else a copy.
  Tensor reshape(Shape shape) const;
  /// A complex tensor [...] seen as a real one [..., 2] with (real, imaginary) in the last dimension.
  Tensor view_as_real() const;
  /// The reverse of view_as_real; the last dimension must have size 2 and stride 1.
  Tensor view_as_complex() const;

  // Copies.
  /// This tensor when it is dense and row-major, else a dense copy.
  Tensor contiguous() const;
  Tensor clone() const;
  /// Converted to another dtype (complex to real is an error: take real() or imag()).
  Tensor to(DType dtype) const;
  /// The elements on another device; this tensor when it is there.
  Tensor to(Device device) const;
  /// The elements on the CPU: this tensor, or a copy that waits for the GPU.
  Tensor host() const;

  // In place, on the elements the view covers.
  Tensor& fill_(double value);
  Tensor& copy_(const Tensor& source);
  /// this += source; shapes and dtypes must agree.
  Tensor& add_(const Tensor& source);
  // (A source that overlaps the memory written to is copied first; a view whose elements share memory is
  // refused.)

  /// The block of memory, for its version; null where undefined.
  const Storage* storage() const { return storage_.get(); }
  /// Whoever wrote to data() says so: a graph that holds these values for its backward must not use them any
  /// more.
  void mark_changed() const {
    if (storage_) storage_->mark_changed();
  }

  /// dtype, shape and, for few elements, the values.
  std::string str() const;

 private:
  void note_copy() const;
  [[noreturn]] void fail_undefined() const;
  void check_writable(const char* op) const;
  Tensor apart_from(const Tensor& source) const;
  void check_type(DType asked) const;
  void check_one_element() const;
  Tensor copied_to(Device device) const;

  std::shared_ptr<Storage> storage_;
  std::int64_t offset_ = 0;  ///< in elements
  Shape shape_;
  Shape strides_;  ///< in elements
  DType dtype_ = DType::f32;
};

using Tensors = std::vector<Tensor>;

}  // namespace lrurec
