#pragma once
// Self-attention and the block of a transformer, over packed sequences.

#include <memory>
#include <string>
#include <vector>

#include "nn/containers.h"
#include "nn/layers.h"
#include "ops/attention/attention.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// Where an encoder has dropout, apart from that before each residual.
enum class DropoutPlaces {
  lrurec,  ///< LN(dropout(E + P)), and within the position-wise network, as in the published LRURec
  bert,    ///< dropout(LN(E + P)), and none within the network (Devlin et al., 2019)
};

struct TransformerSizes {
  std::int64_t hidden = 64, heads = 2;  ///< H, a multiple of the heads
  bool causal = true;                   ///< a token sees itself and those before it; else its whole sequence
  double dropout = 0, layer_norm_eps = 1e-5;
  DropoutPlaces dropout_places = DropoutPlaces::lrurec;

  double inner_dropout() const { return dropout_places == DropoutPlaces::bert ? 0 : dropout; }
};

/// From which end places are counted: the first token of a sequence has the first place (start), or the last
/// token has the last place (end).
enum class PlacesFrom { start, end };
PlacesFrom parse_places_from(const std::string& name);  ///< "start" or "end"; else ErrorKind::usage

/// ops::attention of x Wqkv^T + b, then a linear projection: [tokens, H] -> [tokens, H]. In training, dropout
/// acts on the attention weights.
class SelfAttention : public Module {
 public:
  SelfAttention(const TransformerSizes& sizes, std::uint64_t dropout_site, Initializer& init);
  /// offsets: i64 [S + 1] (see ops::linear_scan).
  Variable forward_composed(const Variable& x, const IndexTensor& offsets,
                            const ForwardContext& context) const;
  /// The same by the fused operation.
  Variable forward(const Variable& x, const IndexTensor& offsets, const ForwardContext& context) const;

 private:
  ops::AttentionOptions options(const ForwardContext& context) const;

  Linear qkv_, projection_;
  Dropout dropout_;
  std::int64_t heads_;
  bool causal_;
};

/// Attention and a position-wise network (H -> 4 H -> H), each followed by dropout, residual and layer norm:
///
///   y   = LN(dropout(attention(x)) + x)
///   out = LN(dropout(PFFN(y)) + y)
class TransformerBlock : public Module {
 public:
  TransformerBlock(const TransformerSizes& sizes, std::uint64_t first_dropout_site, Initializer& init);
  Variable forward_composed(const Variable& x, const IndexTensor& offsets,
                            const ForwardContext& context) const;
  Variable forward(const Variable& x, const IndexTensor& offsets, const ForwardContext& context) const;

  static constexpr std::uint64_t dropout_sites = 4;
  /// Numbers in its parameters, and the floating-point operations for a batch's tokens and pairs of tokens.
  static double parameters(double H) { return 12 * H * H + 13 * H; }
  static double flop(double H, double tokens, double pairs) { return 24 * H * H * tokens + 4 * H * pairs; }

 private:
  SelfAttention attention_;
  ResidualNorm attention_norm_;
  FeedForward feed_forward_;
  ResidualNorm feed_forward_norm_;
};

/// A learnt vector for each place in a sequence; weight: [places, H].
class Positions : public Embedding {
 public:
  Positions(std::int64_t places, std::int64_t hidden, PlacesFrom from, Initializer& init)
      : Embedding(places, hidden, init), from_(from) {}
  /// The vectors of all tokens of packed sequences, i64 [S + 1] -> [tokens, H]. A sequence with more tokens
  /// than there are places is an error.
  Variable forward(const IndexTensor& offsets) const;

 private:
  PlacesFrom from_;
};

/// Embeds items and their places, x = LN(E_item + P_place) with dropout (DropoutPlaces), and runs a stack of
/// blocks.
class TransformerEncoder : public Module {
 public:
  /// rows: of E. places: rows of P, the length of the longest sequence. Its dropout sites count from 0.
  TransformerEncoder(std::int64_t rows, std::int64_t places, PlacesFrom from, std::int64_t blocks,
                     const TransformerSizes& sizes, Initializer& init);
  /// items: i64 [tokens], offsets: i64 [S + 1] -> [tokens, H]. Either may be on the host.
  Variable forward_composed(const IndexTensor& items, const IndexTensor& offsets,
                            const ForwardContext& context) const;
  /// The same by the fused operations.
  Variable forward(const IndexTensor& items, const IndexTensor& offsets, const ForwardContext& context) const;

  const Variable& item_vectors() const { return embedding_.weight; }  ///< E: [rows, H]

 private:
  Variable embed(const IndexTensor& items, const IndexTensor& offsets) const;

  Embedding embedding_;
  Positions positions_;
  ResidualNorm embedding_norm_;
  Dropout normed_dropout_;  ///< of the output of embedding_norm_
  ModuleList<TransformerBlock> blocks_;
};

}  // namespace lrurec::nn
