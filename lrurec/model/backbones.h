#pragma once
// What can stand in the place of the LRU (table 6 of the paper) and of the position-wise network in a block
// of LRURec.

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
  std::string name;           ///< of ModelConfig::backbone
  bool has_channels = false;  ///< ModelConfig::channels is its
  /// The layer of block `index`.
  std::function<std::unique_ptr<nn::SequenceLayer>(const ModelConfig&, std::int64_t index, nn::Initializer&)>
      make;
  /// Numbers in a layer, a complex one counted as two.
  std::function<double(const ModelConfig&)> real_parameters;
  /// Operations of a token: until it is in the state, and from there to the output.
  struct TokenFlop {
    double inputs, outputs;
  };
  std::function<TokenFlop(const ModelConfig&)> flop;
};

struct PositionWiseInfo {
  std::string name;  ///< of ModelConfig::network
  std::function<std::unique_ptr<nn::PositionWise>(const ModelConfig&, std::uint64_t dropout_site,
                                                  nn::Initializer&)>
      make;
  /// Numbers in its matrices, each a multiply-add of every token, and in its biases.
  std::function<double(const ModelConfig&)> weights, biases;
};
const std::vector<PositionWiseInfo>& position_wises();
std::vector<std::string> position_wise_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const PositionWiseInfo& position_wise(const std::string& name);

/// The rate of what a recurrence gives: lru_dropout, or dropout where that is not set.
double recurrence_dropout(const ModelConfig& config);

const std::vector<BackboneInfo>& backbones();
std::vector<std::string> backbone_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const BackboneInfo& backbone(const std::string& name);

}  // namespace lrurec::model
