#pragma once
// Tensor: a typed, strided view of a block of memory. It knows nothing of gradients (see
// autograd/variable.h).

#include <algorithm>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/random.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace lrurec {

class Tensor;

/// While one of these lives on a thread, it lists the tensors that are copied there: in `place`, and in
/// more() where that is full. With it the graph finds out what a backward function holds, as it copies the
/// function.
class CopyWatch {
 public:
  struct Seen {
    const Storage* storage;
    std::uint32_t version;
    std::int32_t input = -1;  ///< which input of the operation it is; -1: none, or not known
  };
  explicit CopyWatch(std::span<Seen> place) : before_(current_), place_(place) { current_ = this; }
  ~CopyWatch() { current_ = before_; }
  CopyWatch(const CopyWatch&) = delete;
  CopyWatch& operator=(const CopyWatch&) = delete;
  /// How many are in `place`.
  std::size_t count() const { return count_; }
  const std::vector<Seen>& more() const { return more_; }
  /// A Variable is copied (autograd/variable.h). Its Tensor is not copied with it and would not be seen.
  static void note_variable() {
    if (current_ != nullptr) current_->variable_ = true;
  }
  bool saw_variable() const { return variable_; }

 private:
  friend class Tensor;
  friend class SavedTensor;
  static inline thread_local CopyWatch* current_ = nullptr;
  static void note(const Storage* storage) {
    if (current_ != nullptr && storage != nullptr) current_->add({storage, storage->version()});
  }
  void add(const Seen& seen) {
    if (count_ < place_.size()) {
      place_[count_++] = seen;
    } else {
      more_.push_back(seen);
    }
  }
  CopyWatch* before_;
  std::span<Seen> place_;
  std::size_t count_ = 0;
  bool variable_ = false;
  std::vector<Seen> more_;
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
    CopyWatch::note(storage_.get());
  }
  Tensor(Tensor&&) = default;
  Tensor& operator=(const Tensor&) = default;
  Tensor& operator=(Tensor&&) = default;
  ~Tensor() = default;

  // Making tensors. A size below zero is an error. empty() does not clear its memory.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = {});
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = {});
  static Tensor ones(const Shape& shape, DType dtype = DType::f32, Device device = {});
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Device device = {});
  /// The identity matrix [n, n].
  static Tensor eye(std::int64_t n, DType dtype = DType::f32, Device device = {});
  /// 0, 1, ..., end - 1.
  static Tensor arange(std::int64_t end, DType dtype = DType::i64, Device device = {}) {
    return arange(0, end, 1, dtype, device);
  }
  /// start, start + step, ... before end (exclusive); step may be negative, not 0. Fractions: linspace().
  static Tensor arange(std::int64_t start, std::int64_t end, std::int64_t step = 1, DType dtype = DType::i64,
                       Device device = {});
  /// `steps` numbers from start to end, both included, equally far apart; f32, f64 or complex.
  static Tensor linspace(double start, double end, std::int64_t steps, DType dtype = DType::f32,
                         Device device = {});
  /// Uniform in the open interval (0, 1), as are both parts of complex numbers. `random` is a seed, or
  /// Philox(seed, stream).
  ///
  /// Element i in row-major order is a function of (seed, stream, i) alone, whatever the shape and device
  /// (f64 is rounded to f32). So two tensors from one seed and stream are alike. Streams below 2^16 are also
  /// the dropout sites in the first step of a training, so use another seed beside one.
  static Tensor rand(const Shape& shape, const Philox& random, DType dtype = DType::f32, Device device = {});
  /// Normal with mean 0 and variance 1 (complex: E|z|^2 = 1), drawn as by rand(). The last digits depend on
  /// the log and cos of the machine's mathematical library.
  static Tensor randn(const Shape& shape, const Philox& random, DType dtype = DType::f32, Device device = {});
  /// A tensor with the elements of `values` in row-major order, of their type: float gives f32.
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    Tensor t = empty_for(values.size(), shape, dtype_of<T>);
    std::copy(values.begin(), values.end(), reinterpret_cast<T*>(t.raw()));
    return t;
  }
  template <class T>
  static Tensor from(const std::vector<T>& values) {
    return from(values, Shape{static_cast<std::int64_t>(values.size())});
  }
  /// One number, of its type: scalar(3) is i32, scalar(3.0) is f64, scalar(3.0F) is f32.
  template <class T>
  static Tensor scalar(T value) {
    Tensor t = empty(Shape{}, dtype_of<T>);
    *reinterpret_cast<T*>(t.raw()) = value;
    return t;
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
  /// Whether another Tensor holds this one's block of memory.
  bool shares_memory() const { return storage_.use_count() > 1; }

  /// Pointer to the first element of the view, on the tensor's device. An error unless T is the element type.
  template <class T>
  T* data() const {
    check_type("data", dtype_of<T>);
    if constexpr (cuda_enabled) KernelCall::check_operand(storage_->device());
    return reinterpret_cast<T*>(raw());
  }
  /// The same without a check of the type.
  std::byte* raw() const {
    if (!storage_) fail_undefined("data");
    return storage_->data() + offset_ * static_cast<std::int64_t>(size_of(dtype_));
  }

  /// The value of a tensor of one element, of type T. On a GPU this waits for it.
  template <class T>
  T item() const {
    check_one_element();
    check_type("item", dtype_of<T>);
    return *reinterpret_cast<const T*>(host().raw());
  }
  /// All elements in row-major order. On a GPU this waits for them.
  template <class T>
  std::vector<T> to_vector() const {
    check_type("to_vector", dtype_of<T>);
    const Tensor dense = host().contiguous();
    const T* p = reinterpret_cast<const T*>(dense.raw());
    return std::vector<T>(p, p + numel());
  }

  // Views: they share the memory of this tensor.
  Tensor transpose(int dim0, int dim1) const;
  /// Dimension i of the result is dimension dims[i] of this; each is named once.
  Tensor permute(const std::vector<int>& dims) const;
  /// Elements start, start+step, ... below end of one dimension. 0 <= start <= end <= size and step >= 1:
  /// unlike in Python, negative places and places beyond the end are errors.
  Tensor slice(int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1) const;
  /// One index of a dimension, which disappears; -1 is the last.
  Tensor select(int dim, std::int64_t index) const;
  /// Stretched to a shape as in NumPy. A stretched dimension has stride 0, and writing to it is an error.
  Tensor broadcast_to(const Shape& shape) const;
  /// With a dimension of size 1 before dimension dim.
  Tensor unsqueeze(int dim) const;
  /// Without dimension dim, whose size must be 1.
  Tensor squeeze(int dim) const;
  /// The same elements in row-major order under another shape (one size may be -1). A view if this tensor is
  /// dense; otherwise a copy, and writes to it do not reach this tensor.
  Tensor reshape(Shape shape) const;
  /// The real parts, or the imaginary parts, of a complex tensor, in its shape.
  Tensor real_part() const { return part("real_part", 0); }
  Tensor imag_part() const { return part("imag_part", 1); }
  /// A complex tensor [...] seen as a real one [..., 2] with (real, imaginary) in the last dimension.
  Tensor view_as_real() const;
  /// The reverse of view_as_real; the last dimension must have size 2. A view where the two parts of each
  /// number are neighbours at an even offset, else a copy.
  Tensor view_as_complex() const;

  // Copies.
  /// This tensor if it is dense and row-major, else a dense copy.
  Tensor contiguous() const;
  /// A dense copy.
  Tensor clone() const;
  /// The elements in reverse order along these dimensions.
  Tensor flip(const std::vector<int>& dims) const;
  /// Converted to another dtype; this tensor if it has that dtype. Complex to real is an error: take real()
  /// or imag(). To integers, the fraction is cut off; a number out of range, or NaN, is an error, and a GPU
  /// is waited for to find out. To booleans: whether it is other than 0.
  Tensor to(DType dtype) const;
  /// The elements on another device; this tensor if it is there.
  Tensor to(Device device) const;
  /// The elements on the CPU: this tensor, or a copy that waits for the GPU.
  Tensor host() const;

  // In place, on the elements that the view covers. A source that overlaps the memory written to is copied
  // first. Writing to a view whose elements share memory (a broadcast) is an error.
  Tensor& fill_(double value);
  /// Takes the elements of `source`, converted to this dtype as by to(), stretched to this shape, and moved
  /// to this device.
  Tensor& copy_(const Tensor& source);
  /// this += source; shapes, dtypes (real or complex) and devices must agree.
  Tensor& add_(const Tensor& source);

  /// The block of memory, for its version; null where undefined.
  const Storage* storage() const { return storage_.get(); }
  /// Call it after writing through data(): a graph that holds the old values for its backward then fails
  /// instead of using the new ones.
  void mark_changed() const {
    if (storage_) storage_->mark_changed();
  }

  /// dtype, shape and values in rows; with more than 64 elements, the first and last three along each
  /// dimension.
  std::string str() const;

 private:
  friend class SavedTensor;
  static Tensor empty_for(std::size_t values, const Shape& shape, DType dtype);
  [[noreturn]] static void fail_undefined(std::string_view op);
  Tensor part(const char* op, int which) const;
  void check_writable(const char* op) const;
  Tensor apart_from(const Tensor& source) const;
  void check_type(const char* op, DType asked) const;
  void check_one_element() const;
  Tensor copied_to(Device device) const;

  std::shared_ptr<Storage> storage_;
  std::int64_t offset_ = 0;  ///< in elements
  Shape shape_;
  Shape strides_;  ///< in elements
  DType dtype_ = DType::f32;
};

using Tensors = std::vector<Tensor>;

/// Type and shape, for errors: "f32 [2, 3]", or "undefined".
std::string describe(const Tensor& tensor);

/// Throws an error of `op` where the tensor is undefined, rather than one of an operation that `op` is made
/// of.
void check_defined(std::string_view op, const Tensor& tensor);

/// Tensor::str().
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace lrurec
