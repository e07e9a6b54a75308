#pragma once

#include <cstdint>

#include "tensor/cuda/runtime.h"
#include "tensor/storage.h"

namespace lrurec::cuda {

/// Working memory of kernels: n elements of T on the GPU in use, not cleared. Freeing it does not wait, since
/// its next user comes later in the stream.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t n)
      : storage_(static_cast<std::size_t>(n) * sizeof(T), Device{DeviceType::cuda, selected_device()}) {}

  T* data() const { return reinterpret_cast<T*>(storage_.data()); }

 private:
  Storage storage_;
};

}  // namespace lrurec::cuda
