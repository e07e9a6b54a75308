#include "nn/serialization/tensor_record.h"

#include <fmt/format.h>

#include <cstring>

#include "tensor/error.h"

namespace lrurec::nn {

TensorRecord to_record(const Tensor& tensor) {
  const Tensor dense = tensor.host().contiguous();
  TensorRecord record{std::string(name(dense.dtype())), {dense.shape().begin(), dense.shape().end()}, {}};
  record.bytes.resize(static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
  if (!record.bytes.empty()) std::memcpy(record.bytes.data(), dense.raw(), record.bytes.size());
  return record;
}

Tensor from_record(const TensorRecord& record, const std::string& tensor_name, DType dtype,
                   const Shape& shape) {
  const std::vector<std::int64_t> wanted(shape.begin(), shape.end());
  if (record.dtype != name(dtype) || record.shape != wanted) {
    fail(ErrorKind::file, "tensor '{}' is {} [{}], {} {} is needed", tensor_name, record.dtype,
         fmt::join(record.shape, ", "), name(dtype), shape.str());
  }
  if (record.bytes.size() != static_cast<std::size_t>(shape.numel()) * size_of(dtype)) {
    fail(ErrorKind::file, "tensor '{}' has {} bytes, its shape {} does not", tensor_name, record.bytes.size(),
         shape.str());
  }
  Tensor tensor = Tensor::empty(shape, dtype);
  if (!record.bytes.empty()) std::memcpy(tensor.raw(), record.bytes.data(), record.bytes.size());
  return tensor;
}

}  // namespace lrurec::nn
