#include "nn/transformer.h"

#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::nn {

SelfAttention::SelfAttention(const TransformerSizes& sizes, std::uint64_t site, Initializer& init)
    : qkv_(sizes.hidden, 3 * sizes.hidden, init),
      projection_(sizes.hidden, sizes.hidden, init),
      dropout_(sizes.dropout, site),
      heads_(sizes.heads),
      causal_(sizes.causal) {
  register_module("qkv", qkv_);
  register_module("projection", projection_);
}

ops::AttentionOptions SelfAttention::options(const ForwardContext& context) const {
  return {heads_, causal_, dropout_.p(context), dropout_.key(context)};
}

Variable SelfAttention::forward_composed(const Variable& x, const IndexTensor& offsets,
                                         const ForwardContext& context) const {
  return projection_.forward(ops::attention_composed(qkv_.forward(x), offsets, options(context)));
}

Variable SelfAttention::forward(const Variable& x, const IndexTensor& offsets,
                                const ForwardContext& context) const {
  return projection_.forward(ops::attention(qkv_.forward(x), offsets, options(context)));
}

TransformerBlock::TransformerBlock(const TransformerSizes& sizes, std::uint64_t site, Initializer& init)
    : attention_(sizes, site, init),
      attention_norm_(sizes.hidden, sizes.layer_norm_eps, sizes.dropout, site + 1, init),
      feed_forward_(sizes.hidden, 4 * sizes.hidden, sizes.inner_dropout(), site + 2, init),
      feed_forward_norm_(sizes.hidden, sizes.layer_norm_eps, sizes.dropout, site + 3, init) {
  register_module("attention", attention_);
  register_module("attention_layer_norm", attention_norm_);
  register_module("feed_forward", feed_forward_);
  register_module("feed_forward_layer_norm", feed_forward_norm_);
}

Variable TransformerBlock::forward_composed(const Variable& x, const IndexTensor& offsets,
                                            const ForwardContext& context) const {
  const Variable y =
      attention_norm_.forward_composed(attention_.forward_composed(x, offsets, context), x, context);
  return feed_forward_norm_.forward_composed(feed_forward_.forward_composed(y, context), y, context);
}

Variable TransformerBlock::forward(const Variable& x, const IndexTensor& offsets,
                                   const ForwardContext& context) const {
  const Variable y = attention_norm_.forward(attention_.forward(x, offsets, context), x, context);
  return feed_forward_norm_.forward(feed_forward_.forward(y, context), y, context);
}

PlacesFrom parse_places_from(const std::string& name) {
  if (name == "start") return PlacesFrom::start;
  if (name == "end") return PlacesFrom::end;
  fail(ErrorKind::usage, "places are counted from the start or from the end of a history, not from '{}'",
       name);
}

Variable Positions::forward(const IndexTensor& offsets) const {
  const auto at = offsets.host().to_vector<std::int64_t>();
  std::vector<std::int64_t> places;
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    if (at[s + 1] - at[s] > weight.value().size(0)) {
      fail_op("positions", "sequence {} has {} tokens, there are {} places", s, at[s + 1] - at[s],
              weight.value().size(0));
    }
    const std::int64_t first = from_ == PlacesFrom::end ? weight.value().size(0) - (at[s + 1] - at[s]) : 0;
    for (std::int64_t t = 0; t < at[s + 1] - at[s]; ++t) places.push_back(first + t);
  }
  return Embedding::forward(IndexTensor(Tensor::from(places)).to(weight.value().device()));
}

TransformerEncoder::TransformerEncoder(std::int64_t rows, std::int64_t places, PlacesFrom from,
                                       std::int64_t blocks, const TransformerSizes& sizes, Initializer& init)
    : embedding_(rows, sizes.hidden, init),
      positions_(places, sizes.hidden, from, init),
      embedding_norm_(sizes.hidden, sizes.layer_norm_eps,
                      sizes.dropout_places == DropoutPlaces::bert ? 0 : sizes.dropout, 0, init),
      normed_dropout_(sizes.dropout_places == DropoutPlaces::bert ? sizes.dropout : 0, 0) {
  register_module("embedding", embedding_);
  register_module("positions", positions_);
  register_module("embedding_layer_norm", embedding_norm_);
  register_module("blocks", blocks_);
  for (std::int64_t i = 0; i < blocks; ++i) {
    const auto site = 1 + static_cast<std::uint64_t>(i) * TransformerBlock::dropout_sites;
    blocks_.add(sizes, site, init);
  }
}

Variable TransformerEncoder::embed(const IndexTensor& items, const IndexTensor& offsets) const {
  return embedding_.forward(items.to(item_vectors().value().device())) + positions_.forward(offsets);
}

Variable TransformerEncoder::forward_composed(const IndexTensor& items, const IndexTensor& offsets,
                                              const ForwardContext& context) const {
  Variable x =
      normed_dropout_.forward(embedding_norm_.forward_composed(embed(items, offsets), {}, context), context);
  for (const auto& block : blocks_) x = block.forward_composed(x, offsets.host(), context);
  return x;
}

Variable TransformerEncoder::forward(const IndexTensor& items, const IndexTensor& offsets,
                                     const ForwardContext& context) const {
  const IndexTensor at = offsets.to(item_vectors().value().device());
  Variable x = normed_dropout_.forward(embedding_norm_.forward(embed(items, offsets), {}, context), context);
  for (const auto& block : blocks_) x = block.forward(x, at, context);
  return x;
}

}  // namespace lrurec::nn
