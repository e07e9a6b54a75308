#pragma once
// The choices for the two sublayers of LRURec's block: what can replace the LRU (table 6 of the paper), and
// the position-wise networks.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lrurec/model/config.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/sequence_layer.h"

namespace lrurec::model {

struct BackboneInfo {
  std::string name;           ///< a value of ModelConfig::backbone
  bool has_channels = false;  ///< whether ModelConfig::channels applies
  /// The layer of block `index`.
  std::function<std::unique_ptr<nn::SequenceLayer>(const ModelConfig&, std::int64_t index, nn::Initializer&)>
      make;
  /// Number of real parameters of one layer; a complex parameter counts as two.
  std::function<double(const ModelConfig&)> real_parameters;
  /// Floating-point operations for one token (a multiply-add is two): `inputs` until the token is in the
  /// state, `outputs` from the state to the layer's output.
  struct TokenFlop {
    double inputs, outputs;
  };
  std::function<TokenFlop(const ModelConfig&)> flop;
};

struct PositionWiseInfo {
  std::string name;  ///< a value of ModelConfig::network
  std::function<std::unique_ptr<nn::PositionWise>(const ModelConfig&, std::uint64_t dropout_site,
                                                  nn::Initializer&)>
      make;
  /// Number of parameters in its matrices, where each costs one multiply-add per token, and in its biases.
  std::function<double(const ModelConfig&)> weights, biases;
};
const std::vector<PositionWiseInfo>& position_wises();
std::vector<std::string> position_wise_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const PositionWiseInfo& position_wise(const std::string& name);

/// Dropout probability of the recurrence's output: lru_dropout, or dropout where lru_dropout is not set
/// (negative).
double recurrence_dropout(const ModelConfig& config);

const std::vector<BackboneInfo>& backbones();
std::vector<std::string> backbone_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const BackboneInfo& backbone(const std::string& name);

}  // namespace lrurec::model
