#pragma once
// Weights to and from other tools, as safetensors.

#include <filesystem>
#include <optional>
#include <string>

#include "lrurec/model/model.h"
#include "nn/serialization/safetensors.h"

namespace lrurec::exchange {

/// Whose names the tensors have: this project's ("blocks.0.lru.nu_log") or the published PyTorch model's.
enum class Names { ours, published };
/// How complex tensors are stored: dtype C64, or two F32 tensors NAME.real and NAME.imag.
enum class ComplexAs { c64, split };

/// What a model's tensors do not say. Written as metadata of the file, each under the name given here.
struct About {
  std::int64_t max_length = 0;  ///< max_len: items of history; 0: not known
  std::string fingerprint{};    ///< dataset_fingerprint: of the data set, "" where not known
  std::int64_t step = 0;        ///< step: training steps behind the weights
};

/// The model's parameters (f32), bit by bit, and the metadata model, its own settings (hidden, blocks, ...),
/// num_items, num_users, max_len, step and dataset_fingerprint. Published names are ErrorKind::usage where
/// the published model cannot compute the same, such as for another model, channels other than 2 hidden, or
/// an outer GELU.
nn::Safetensors to_safetensors(const model::Model& model, const About& about, Names names,
                               ComplexAs complex_as);

/// Weights as a file holds them, before a model is made of them.
struct Weights {
  /// For LRURec with the LRU: sizes from the shapes, all else from the metadata. For other models and
  /// backbones everything is from the metadata.
  model::ModelConfig config;
  About about;
  Names names = Names::ours;
  std::string path;      ///< for messages
  nn::Safetensors file;  ///< f32 and c64, complex tensors joined, names without the prefix "weights."

  /// Copies the weights into a model of this `config`, bit by bit. A missing, extra or misshaped tensor and
  /// weights with a Model::problem are ErrorKind::file, naming file and tensor.
  void load_into(model::Model& model) const;
};

/// Reads a file of to_safetensors, or one with published names from elsewhere: with or without the prefix
/// "weights." (then the other tensors of a parity fixture are passed over), complex tensors in either form.
/// F64 is rounded to f32. A file that holds no such weights, a number that is not finite, or metadata that
/// contradict the shapes are ErrorKind::file.
Weights read_weights(const std::filesystem::path& path);

}  // namespace lrurec::exchange
