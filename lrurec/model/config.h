#pragma once
// Sizes and switches of a model.

#include <cstdint>
#include <string>

namespace lrurec::model {

/// Which model, with which sizes and switches. Each model reads only its own settings (ModelInfo::settings).
/// Defaults are the paper's; where LRURec's published implementation differs from the paper, they are the
/// implementation's.
struct ModelConfig {
  std::string model = "lrurec";   ///< a name of lrurec/model/models.h
  std::int64_t num_items = 0;     ///< |I|; ids are 1..|I|, 0 is the start token
  std::int64_t num_users = 0;     ///< |U|, for models that know their users
  std::int64_t max_length = 200;  ///< L, for models with positions
  std::int64_t hidden = 64;       ///< H
  std::int64_t channels = 128;    ///< D, complex channels of the recurrence: 2 H in the paper
  std::int64_t blocks = 2;
  std::int64_t heads = 2;  ///< of attention; hidden is a multiple of them
  double dropout = 0.2;
  double lru_dropout = -1;                 ///< of the recurrence's output; -1: same as dropout
  double ring_min = 0.8, ring_max = 0.99;  ///< between which |lambda| of the LRU begins
  double final_dropout = 0.5;              ///< NARM's, before its decoder
  double layer_norm_eps = 1e-5;
  /// Equation 8's outer GELU, which the published implementation does not have.
  bool outer_gelu = false;
  std::string backbone = "lru";  ///< what mixes tokens in LRURec's blocks, see lrurec/model/backbones.h
  /// The paper's ablations (table 6): layer norms, residuals, and the position-wise sublayer with its norm.
  bool layer_norm = true, residual = true, pffn = true;
  std::string network = "gelu";  ///< position-wise, see lrurec/model/backbones.h
  bool gates = false;            ///< round each sublayer of LRURec's blocks: x + sigmoid(W x + b) f(x)
  bool norm_first = false;       ///< layer norms before LRURec's sublayers, and one after the last block
  bool item_norm = false;        ///< LRURec scores by the direction of an item's vector alone
  std::string positions_from = "start";  ///< or "end", see nn::PlacesFrom
  double alpha = 0.5;                    ///< a sum over n items of a history is divided by n^alpha

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

}  // namespace lrurec::model
