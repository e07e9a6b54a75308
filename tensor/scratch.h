#pragma once
// Working memory of kernels, from the allocator of tensors: reused from step to step, not cleared.

#include <algorithm>
#include <cstdint>
#include <memory>

#include "tensor/storage.h"

namespace lrurec {

/// n elements of T on the CPU, uninitialised, or all `value`.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t n)
      : size_(n), storage_(std::make_unique<Storage>(static_cast<std::size_t>(n) * sizeof(T), Device{})) {}
  Scratch(std::int64_t n, T value) : Scratch(n) { std::fill_n(data(), n, value); }

  T* data() const { return reinterpret_cast<T*>(storage_->data()); }
  T& operator[](std::int64_t i) const { return data()[i]; }
  std::int64_t size() const { return size_; }
  T* begin() const { return data(); }
  T* end() const { return data() + size_; }

 private:
  std::int64_t size_;
  std::unique_ptr<Storage> storage_;
};

}  // namespace lrurec
