#pragma once
// SavedTensor: a Tensor in half the bytes.

#include <algorithm>
#include <array>
#include <memory>

#include "tensor/tensor.h"

namespace lrurec {

/// A Tensor in the form that the backward functions of small operations keep, since a graph holds many of
/// them: 72 bytes instead of 144 for up to two dimensions. Without values it keeps shape and dtype alone.
class SavedTensor {
 public:
  explicit SavedTensor(const Tensor& t, bool with_values = true) : rank_(t.rank()), dtype_(t.dtype()) {
    if (with_values) {
      storage_ = t.storage_;
      offset_ = t.offset_;
    }
    if (2 * rank_ > static_cast<int>(few_.size())) many_ = std::make_unique<Numbers>();
    std::copy(t.shape().begin(), t.shape().end(), numbers());
    std::copy(t.strides().begin(), t.strides().end(), numbers() + rank_);
  }
  SavedTensor(const SavedTensor& other)
      : storage_(other.storage_),
        offset_(other.offset_),
        few_(other.few_),
        many_(other.many_ ? std::make_unique<Numbers>(*other.many_) : nullptr),
        rank_(other.rank_),
        dtype_(other.dtype_) {
    CopyWatch::note(storage_.get());
  }
  SavedTensor(SavedTensor&&) = default;
  SavedTensor& operator=(const SavedTensor&) = delete;
  SavedTensor& operator=(SavedTensor&&) = delete;
  ~SavedTensor() = default;

  bool has_values() const { return storage_ != nullptr; }
  DType dtype() const { return dtype_; }
  Shape shape() const { return read(0); }
  /// The Tensor; undefined without values.
  Tensor tensor() const {
    Tensor t;
    if (!has_values()) return t;
    t.storage_ = storage_;
    t.offset_ = offset_;
    t.shape_ = read(0);
    t.strides_ = read(rank_);
    t.dtype_ = dtype_;
    return t;
  }

 private:
  using Numbers = std::array<std::int64_t, 2 * Shape::max_rank>;
  std::int64_t* numbers() { return many_ ? many_->data() : few_.data(); }
  Shape read(int from) const {
    const std::int64_t* numbers = (many_ ? many_->data() : few_.data()) + from;
    return Shape(numbers, rank_);
  }

  std::shared_ptr<Storage> storage_;
  std::int64_t offset_ = 0;
  std::array<std::int64_t, 4> few_{};  ///< sizes, then strides
  std::unique_ptr<Numbers> many_;      ///< the same, of more than two dimensions
  int rank_;
  DType dtype_;
};

}  // namespace lrurec
