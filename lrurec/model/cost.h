#pragma once
// What a model costs on paper.

#include "lrurec/model/lrurec.h"

namespace lrurec::model {

/// Floating-point operations, a multiply-add as two.
struct Flop {
  double head = 0, blocks = 0;
  double total() const { return head + blocks; }
};

/// Per token and block: x B and h C with real x and y, 4 H D each; the position-wise network H -> 4 H -> H,
/// 16 H^2. At H = 64, D = 128: 131 kflop a block.
double block_flop(const ModelConfig& config);

/// A training step, forward and backward, of `tokens` tokens whose scores are computed for `classes` classes.
Flop training_flop(const ModelConfig& config, double tokens, double classes);

/// Numbers in all parameters, a complex one as two: of a model, and of one that need not be made. (A double,
/// for sizes from outside that no integer would hold.)
std::int64_t real_parameters(const LRURec& model);
double real_parameters(const ModelConfig& config);

}  // namespace lrurec::model
