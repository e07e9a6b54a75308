#pragma once
// The time mixing of RWKV-4 (Peng et al., 2023).

#include "nn/init.h"
#include "nn/sequence_layer.h"

namespace lrurec::nn {

/// With x'_t the token before x_t, 0 before the first token:
///
///   k = W_k (mu_k x + (1 - mu_k) x'),  v and r likewise
///   y = W_o (sigmoid(r) * wkv(k, v, w = exp(decay), u))
///
/// The state is [n, 4 H]: the token before, and the state of ops::raw::wkv.
class RwkvTimeMixing : public SequenceLayer {
 public:
  /// The published initial values of block `block`, from 0, of `blocks`: decays from slow to fast over the
  /// channels, W_v orthogonal, the other matrices zero. (They divide by blocks - 1; with one block that
  /// is 1.)
  RwkvTimeMixing(std::int64_t hidden, std::int64_t block, std::int64_t blocks, Initializer& init);

  Variable mix_composed(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const override;
  Variable mix(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const override;
  Tensor initial_state(std::int64_t n) const override;
  Tensor step(const Tensor& x, const Tensor& state) const override;
  /// e^-w, by which the mean's sums fall with each token, [H].
  Tensor eigenvalues() const override;

 private:
  struct Mixed {
    Variable k, v, r;
  };
  Mixed mixed(const Variable& x, const Variable& before) const;

  Variable mu_k_, mu_v_, mu_r_;     ///< [H]; like the next two without weight decay
  Variable decay_, bonus_;          ///< log w and u, [H]
  Variable W_k_, W_v_, W_r_, W_o_;  ///< [H, H]
};

}  // namespace lrurec::nn
