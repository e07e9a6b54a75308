#pragma once
// The usual layers. x is [tokens, width]; all layers but FeedForward and ResidualNorm take any leading
// dimensions.
//
// `step` is for inference. It takes one token of each of n sequences, [n, width], and records nothing. It has
// the bits of forward, except where OpenBLAS makes the products (SwiGLU). Layers whose kernels read the
// weights in another layout pack them in prepare_steps(), which comes before the first step. A step after a
// later change of the weights is an error.

#include <optional>

#include "nn/init.h"
#include "nn/module.h"
#include "nn/prepared.h"
#include "ops/feed_forward/feed_forward.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// Whether a layer adds a bias.
enum class Bias { yes, no };

/// y = x W^T + b; weight: [out, in], bias: [out], undefined with Bias::no.
///
/// Both begin normal with sigma .02, cut at two sigma, whatever the width. So does the published LRURec,
/// where a residual runs beside such layers. A plain network wants WeightScale::fan_in for its weight.
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, Initializer& init, WeightScale scale = WeightScale::published,
         Bias with_bias = Bias::yes);
  Variable forward(const Variable& x) const;

  Variable weight, bias;
};

/// Linear with complex weight and bias; x real or complex, y complex.
class ComplexLinear : public Module {
 public:
  ComplexLinear(std::int64_t in, std::int64_t out, Initializer& init,
                WeightScale scale = WeightScale::published, Bias with_bias = Bias::yes);
  Variable forward(const Variable& x) const;

  Variable weight, bias;
};

/// Rows of a table; weight: [rows, width].
class Embedding : public Module {
 public:
  Embedding(std::int64_t rows, std::int64_t width, Initializer& init);
  /// ids: i64 [tokens] -> [tokens, width]
  Variable forward(const IndexTensor& ids) const;
  Tensor step(const IndexTensor& ids) const;

  Variable weight;
};

/// Equation 7: weight * (x - mu) / sqrt(var + eps) + bias; weight starts at 1, bias at 0.
class LayerNorm : public Module {
 public:
  LayerNorm(std::int64_t width, double eps, Initializer& init);
  Variable forward(const Variable& x) const;

  Variable weight, bias;

 private:
  double eps_;
};

/// weight * x / sqrt(mean(x^2) + eps) (Zhang & Sennrich, 2019); weight starts at `begins`.
class RMSNorm : public Module {
 public:
  RMSNorm(std::int64_t width, double eps, Initializer& init, double begins = 1);
  Variable forward(const Variable& x) const;

  Variable weight;

 private:
  double eps_;
};

/// Dropout of x, and the identity outside training. The mask is a function of `site`, a number below 2^16
/// that differs for every dropout of a model, and of the context's seed and step. So the step must change
/// from one training step to the next.
class Dropout : public Module {
 public:
  Dropout(double p, std::uint64_t site);
  Variable forward(const Variable& x, const ForwardContext& context) const;

  /// For operations that drop out themselves: the probability in this context (0 outside training), and the
  /// key of the mask.
  double p(const ForwardContext& context) const { return context.training ? p_ : 0; }
  ops::DropoutKey key(const ForwardContext& context) const { return context.dropout_key(site_); }

 private:
  double p_;
  std::uint64_t site_;
};

/// The parts around a sublayer. The paper's ablations leave some out (table 6).
struct SublayerParts {
  bool norm = true, residual = true;
  bool norm_first = false;  ///< the norm before the sublayer instead of after its residual
};

/// Dropout, residual and norm around a sublayer f: LN(dropout(f(x)) + x). With norm_first it is
/// dropout(f(LN(x))) + x (Xiong et al., 2020), where nothing rescales the path of the residuals from the last
/// block to the first.
///
/// The whole is forward(f(input(x)), x). An undefined x stands for no residual.
class ResidualNorm : public Module {
 public:
  /// p: the probability of dropout; dropout_site: see Dropout.
  ResidualNorm(std::int64_t width, double eps, double p, std::uint64_t dropout_site, Initializer& init,
               SublayerParts parts = {});
  /// The input of the sublayer: x, or LN(x).
  Variable input(const Variable& x) const;
  Variable forward_composed(const Variable& a, const Variable& x, const ForwardContext& context) const;
  /// The same by the fused operation, where there is a norm.
  Variable forward(const Variable& a, const Variable& x, const ForwardContext& context) const;
  Tensor step_input(const Tensor& x) const;
  Tensor step(const Tensor& a, const Tensor& x) const;

 private:
  /// The norm where it comes last, else null.
  const LayerNorm* norm_after() const { return norm_ && !norm_first_ ? &*norm_ : nullptr; }
  Variable sum(const Variable& a, const Variable& x, const ForwardContext& context) const;

  std::optional<LayerNorm> norm_;
  bool residual_, norm_first_;
  double eps_;
  Dropout dropout_;
};

/// A network that takes each token by itself, [tokens, H] -> [tokens, H].
class PositionWise : public Module {
 public:
  virtual Variable forward_composed(const Variable& x, const ForwardContext& context) const = 0;
  /// The same by the fused operation, where there is one.
  virtual Variable forward(const Variable& x, const ForwardContext& context) const {
    return forward_composed(x, context);
  }
  virtual void prepare_steps() {}
  virtual Tensor step(const Tensor& x) const = 0;
};

/// The position-wise network of equation 8 without its outer GELU: W2 dropout(gelu(W1 x + b1)) + b2.
class FeedForward : public PositionWise {
 public:
  /// W1: [inner, width], W2: [width, inner]. p: the probability of dropout; dropout_site: see Dropout.
  FeedForward(std::int64_t width, std::int64_t inner, double p, std::uint64_t dropout_site,
              Initializer& init);
  Variable forward_composed(const Variable& x, const ForwardContext& context) const override;
  Variable forward(const Variable& x, const ForwardContext& context) const override;
  void prepare_steps() override;
  Tensor step(const Tensor& x) const override;

 private:
  Linear w_1_, w_2_;
  Dropout dropout_;
  ops::raw::PackedFeedForward packed_;
  Prepared prepared_;  ///< the weights that packed_ was made from
};

/// A position-wise network with a gate in place of the GELU (Shazeer, 2020):
/// W2 dropout(silu(W1 x + b1) * (W3 x + b3)) + b2. W3 has the shape of W1.
class SwiGLU : public PositionWise {
 public:
  SwiGLU(std::int64_t width, std::int64_t inner, double p, std::uint64_t dropout_site, Initializer& init);
  Variable forward_composed(const Variable& x, const ForwardContext& context) const override;
  Tensor step(const Tensor& x) const override;

 private:
  Linear w_1_, w_2_, w_3_;
  Dropout dropout_;
};

}  // namespace lrurec::nn
