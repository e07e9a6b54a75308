#include "lrurec/model/backbones.h"

#include "lrurec/util/suggest.h"
#include "nn/lru.h"
#include "nn/rwkv.h"
#include "tensor/error.h"

namespace lrurec::model {
namespace {

double H_of(const ModelConfig& config) { return static_cast<double>(config.hidden); }
double D_of(const ModelConfig& config) { return static_cast<double>(config.channels); }

using TokenFlop = BackboneInfo::TokenFlop;
using Layer = std::unique_ptr<nn::SequenceLayer>;

}  // namespace

const std::vector<BackboneInfo>& backbones() {
  static const std::vector<BackboneInfo> all{
      {.name = "lru",
       .what = "the linear recurrent unit, D complex channels",
       .paper = "Orvieto et al., ICML 2023",
       .make = [](const ModelConfig& config, std::int64_t, nn::Initializer& init) -> Layer {
         return std::make_unique<nn::LRU>(config.hidden, config.channels, init);
       },
       .real_parameters =
           [](const ModelConfig& config) {
             const double H = H_of(config), D = D_of(config);
             return 3 * D + 2 * (D * H + D) + 2 * (H * D + H);
           },
       // B x and h C with real x and y.
       .flop = [](const ModelConfig& config) -> TokenFlop {
         return {4 * H_of(config) * D_of(config), 4 * H_of(config) * D_of(config)};
       }},
      {.name = "rwkv",
       .what = "the time mixing of RWKV-4, means weighted by keys and by age",
       .paper = "Peng et al., EMNLP 2023",
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

const BackboneInfo& backbone(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& info : backbones()) {
    if (info.name == name) return info;
    names.push_back(info.name);
  }
  fail(ErrorKind::usage, "unknown backbone '{}'{}", name, util::suggestion(name, names));
}

}  // namespace lrurec::model
