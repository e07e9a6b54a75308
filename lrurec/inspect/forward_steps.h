#pragma once
// The whole model on one screen: what every line of its equations gives for one history.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lrurec/model/model.h"

namespace lrurec::inspect {

struct ForwardStep {
  std::string equation;  ///< "x = LN(E_x)"
  std::string place;     ///< of the paper: "eq. 7"; empty where it has no number
  Tensor value;          ///< [L, width], real or complex; one row for each item
};

/// The forward pass of LRURec over one history, without dropout, each line computed from those above it by
/// the model's parameters (equations 5 and 7 to 10). The last step is the scores, [L, |I| + 1]: row t scores
/// what may follow item t.
///
/// items: 1..|I|, oldest first, not empty. The ablations
/// (ModelConfig::layer_norm, residual, pffn) leave out their lines. ErrorKind::usage for another model, and
/// for an LRURec with another recurrence or network, gates, norm_first or item_norm.
std::vector<ForwardStep> forward_steps(const model::Model& model, std::span<const std::int32_t> items);

}  // namespace lrurec::inspect
