#include "lrurec/model/backbones.h"

#include <fmt/format.h>

#include "lrurec/util/suggest.h"
#include "nn/gated_lru.h"
#include "nn/lru.h"
#include "nn/rwkv.h"
#include "nn/s4.h"
#include "nn/s4d.h"
#include "tensor/error.h"

namespace lrurec::model {
namespace {

double H_of(const ModelConfig& config) { return static_cast<double>(config.hidden); }
double D_of(const ModelConfig& config) { return static_cast<double>(config.channels); }

/// First dropout site inside the recurrences, beyond those of the blocks.
constexpr std::uint64_t inner_site = 1000;

using TokenFlop = BackboneInfo::TokenFlop;
using Layer = std::unique_ptr<nn::SequenceLayer>;

}  // namespace

double recurrence_dropout(const ModelConfig& config) {
  return config.lru_dropout < 0 ? config.dropout : config.lru_dropout;
}

const std::vector<BackboneInfo>& backbones() {
  static const std::vector<BackboneInfo> all{
      {.name = "lru",
       .has_channels = true,
       .make = [](const ModelConfig& config, std::int64_t, nn::Initializer& init) -> Layer {
         const auto ring = init.ring(config.channels, config.ring_min, config.ring_max);
         return std::make_unique<nn::LRU>(config.hidden, config.channels, ring, init);
       },
       .real_parameters =
           [](const ModelConfig& config) {
             const double H = H_of(config), D = D_of(config);
             return 3 * D + 2 * (D * H + D) + 2 * (H * D + H);
           },
       // B x and C h; x and y are real.
       .flop = [](const ModelConfig& config) -> TokenFlop {
         return {4 * H_of(config) * D_of(config), 4 * H_of(config) * D_of(config)};
       }},
      {.name = "gated-lru",
       .has_channels = true,
       .make = [](const ModelConfig& config, std::int64_t, nn::Initializer& init) -> Layer {
         return std::make_unique<nn::GatedLRU>(config.hidden, config.channels, init);
       },
       .real_parameters =
           [](const ModelConfig& config) {
             const double H = H_of(config), D = D_of(config), E = nn::GatedLRU::expansion * H;
             return 3 * H * E + 2 * E + H + (nn::GatedLRU::taps + 1) * E + 3 * D + 2 * (D * E + D) +
                    2 * (E * D + E);
           },
       // The gate is computed only for tokens that are scored, so it belongs to the outputs.
       .flop = [](const ModelConfig& config) -> TokenFlop {
         const double H = H_of(config), D = D_of(config), E = nn::GatedLRU::expansion * H;
         return {2 * H * E + 4 * E * D, 4 * E * D + 4 * H * E};
       }},
      {.name = "s4d",
       .has_channels = false,
       .make = [](const ModelConfig& config, std::int64_t index, nn::Initializer& init) -> Layer {
         return std::make_unique<nn::S4D>(config.hidden, recurrence_dropout(config),
                                          inner_site + static_cast<std::uint64_t>(index), init);
       },
       .real_parameters = [](const ModelConfig& config) { return nn::S4D::real_parameters(H_of(config)); },
       .flop = [](const ModelConfig& config) -> TokenFlop {
         const double H = H_of(config), states = H * static_cast<double>(nn::S4D::states);
         return {8 * states, 4 * states + 4 * H * H};
       }},
      {.name = "s4",
       .has_channels = false,
       .make = [](const ModelConfig& config, std::int64_t index, nn::Initializer& init) -> Layer {
         return std::make_unique<nn::S4>(config.hidden, recurrence_dropout(config),
                                         inner_site + static_cast<std::uint64_t>(index), init);
       },
       .real_parameters = [](const ModelConfig& config) { return nn::S4::real_parameters(H_of(config)); },
       // S4D's products, and those of the rank-1 term: its sum over the states and what that changes in them.
       .flop = [](const ModelConfig& config) -> TokenFlop {
         const double H = H_of(config), states = H * static_cast<double>(nn::S4::states);
         return {16 * states, 4 * states + 4 * H * H};
       }},
      {.name = "rwkv",
       .has_channels = false,
       .make = [](const ModelConfig& config, std::int64_t index, nn::Initializer& init) -> Layer {
         return std::make_unique<nn::RwkvTimeMixing>(config.hidden, index, config.blocks, init);
       },
       .real_parameters =
           [](const ModelConfig& config) { return 5 * H_of(config) + 4 * H_of(config) * H_of(config); },
       .flop = [](const ModelConfig& config) -> TokenFlop {
         return {4 * H_of(config) * H_of(config), 4 * H_of(config) * H_of(config)};
       }},
  };
  return all;
}

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const auto& info : backbones()) names.push_back(info.name);
  return names;
}

const BackboneInfo& backbone(const std::string& name) {
  for (const auto& info : backbones()) {
    if (info.name == name) return info;
  }
  fail(ErrorKind::usage, "unknown backbone '{}'{}", name, util::choices(name, backbone_names()));
}

namespace {

/// Two thirds of 4 H, rounded up to a multiple of 8: SwiGLU has three matrices instead of two.
std::int64_t swiglu_width(const ModelConfig& config) { return (config.hidden * 8 / 3 + 7) / 8 * 8; }

}  // namespace

const std::vector<PositionWiseInfo>& position_wises() {
  using Network = std::unique_ptr<nn::PositionWise>;
  static const std::vector<PositionWiseInfo> all{
      {.name = "gelu",
       .make = [](const ModelConfig& config, std::uint64_t site, nn::Initializer& init) -> Network {
         return std::make_unique<nn::FeedForward>(config.hidden, 4 * config.hidden, config.dropout, site,
                                                  init);
       },
       .weights = [](const ModelConfig& config) { return 8 * H_of(config) * H_of(config); },
       .biases = [](const ModelConfig& config) { return 5 * H_of(config); }},
      {.name = "swiglu",
       .make = [](const ModelConfig& config, std::uint64_t site, nn::Initializer& init) -> Network {
         return std::make_unique<nn::SwiGLU>(config.hidden, swiglu_width(config), config.dropout, site, init);
       },
       .weights =
           [](const ModelConfig& config) {
             return 3 * H_of(config) * static_cast<double>(swiglu_width(config));
           },
       .biases =
           [](const ModelConfig& config) {
             return H_of(config) + 2 * static_cast<double>(swiglu_width(config));
           }},
  };
  return all;
}

std::vector<std::string> position_wise_names() {
  std::vector<std::string> names;
  for (const auto& info : position_wises()) names.push_back(info.name);
  return names;
}

const PositionWiseInfo& position_wise(const std::string& name) {
  for (const auto& info : position_wises()) {
    if (info.name == name) return info;
  }
  fail(ErrorKind::usage, "unknown network '{}'{}", name, util::choices(name, position_wise_names()));
}

}  // namespace lrurec::model
