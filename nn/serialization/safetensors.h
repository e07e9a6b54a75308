#pragma once
// safetensors: the open format for weights (https://github.com/huggingface/safetensors).

#include <filesystem>
#include <map>
#include <string>

#include "tensor/tensor.h"

namespace lrurec::nn {

struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a file: 8 bytes of header length, a JSON header, the tensors' bytes without holes or overlap.
/// dtypes F32, F64, C64, I32, I64 and BOOL. Everything is checked against the file's length before it is
/// used. A file that breaks the format throws ErrorKind::file, a missing one ErrorKind::io.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes a file, atomically, in the order of the names. The format has no c128, which is an error.
void write_safetensors(const std::filesystem::path& path, const Safetensors& file);

}  // namespace lrurec::nn
