#pragma once
// What can stand in the LRU's place in a block of LRURec (table 6 of the paper).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lrurec/model/config.h"
#include "nn/init.h"
#include "nn/sequence_layer.h"

namespace lrurec::model {

struct BackboneInfo {
  std::string name;  ///< of ModelConfig::backbone
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

/// The rate of what a recurrence gives: lru_dropout, or dropout where that is not set.
double recurrence_dropout(const ModelConfig& config);

const std::vector<BackboneInfo>& backbones();
std::vector<std::string> backbone_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const BackboneInfo& backbone(const std::string& name);

}  // namespace lrurec::model
