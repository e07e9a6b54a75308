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

double real_parameters(const ModelConfig& config) {
  const auto H = static_cast<double>(config.hidden), D = static_cast<double>(config.channels);
  const double classes = static_cast<double>(config.num_items) + 1, layer_norm = 2 * H;
  const double lru = 3 * D + 2 * (D * H + D) + 2 * (H * D + H), feed_forward = 8 * H * H + 5 * H;
  const double block = lru + feed_forward + 2 * layer_norm;
  return classes * (H + 1) + layer_norm + static_cast<double>(config.blocks) * block;
}

}  // namespace lrurec::model
