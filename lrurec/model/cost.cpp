#include "lrurec/model/cost.h"

namespace lrurec::model {

double block_flop(const ModelConfig& config) {
  const auto H = static_cast<double>(config.hidden), D = static_cast<double>(config.channels);
  return 8 * H * D + 16 * H * H;
}

Flop training_flop(const ModelConfig& config, double tokens, double classes) {
  return {6 * tokens * classes * static_cast<double>(config.hidden),
          3 * tokens * static_cast<double>(config.blocks) * block_flop(config)};
}

std::int64_t real_parameters(const LRURec& model) {
  std::int64_t count = 0;
  for (const auto& p : model.named_parameters()) {
    count += p.variable.value().numel() * (is_complex(p.variable.dtype()) ? 2 : 1);
  }
  return count;
}

}  // namespace lrurec::model
