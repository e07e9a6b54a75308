#pragma once
// A tensor as it lies in a checkpoint.

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lrurec::nn {

struct TensorRecord {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(dtype, shape, bytes);
  }
};

TensorRecord to_record(const Tensor& tensor);

/// The tensor of a record that must have this dtype and shape; anything else throws ErrorKind::file with
/// `name`.
Tensor from_record(const TensorRecord& record, const std::string& name, DType dtype, const Shape& shape);

}  // namespace lrurec::nn
