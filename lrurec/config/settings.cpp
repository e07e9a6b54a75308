// Every setting of a training: key, help, range and whether a resumed run may change it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lrurec/config/config.h"
#include "lrurec/model/backbones.h"
#include "lrurec/model/models.h"

namespace lrurec::config {

const std::vector<Setting>& settings() {
  using C = TrainConfig;
  static const std::vector<Setting> all{
      {"preset", &C::preset, "the preset the other settings started from"},
      {"model", &C::model, "what is trained; lrurec config models lists all"},
      {"seed", &C::seed, "random seed of initial values, batch order and dropout", 0, no_limit},
      {"threads", &C::threads, "CPU threads, 0 = all cores", 0, 1024, true},
      {"deterministic", &C::deterministic,
       "use one thread, so that results have the same bits whatever --threads says, also with negatives", 0,
       0, true},
      {"device", &C::device, "cpu, cuda (the first GPU) or cuda:1", 0, 0, true},
      {"tf32", &C::tf32, "TF32: float32 products on a GPU with 10 bits of mantissa, which is faster", 0, 0,
       true},
      {"bf16", &C::bf16,
       "training's products on a CPU with 8 bits of precision: faster on some processors (lrurec check "
       "device "
       "measures it)"},
      {"hidden", &C::hidden, "H, width of embeddings and features", 1, 65536},
      {"channels", &C::channels, "D, complex channels of the recurrence (2 H in the paper)", 1, 65536},
      {"blocks", &C::blocks, "number of stacked blocks", 1, 64},
      {"heads", &C::heads, "attention heads; hidden must be a multiple of this", 1, 64},
      {"dropout", &C::dropout, "dropout probability", 0, 0.999999},
      {"lru_dropout", &C::lru_dropout, "dropout probability of the recurrence's output, -1 = as dropout", -1,
       1},
      {"ring_min", &C::ring_min,
       "inner radius of the ring in which the LRU's eigenvalues begin: the least |lambda|", 0, 0.999999},
      {"ring_max", &C::ring_max, "outer radius of that ring: the largest |lambda|", 1e-6, 0.999999},
      {"final_dropout", &C::final_dropout,
       "dropout probability of the last hidden vector, before it is scored", 0, 0.999999},
      {"layer_norm_eps", &C::layer_norm_eps, "added to the variance in layer norms", 0, 1},
      {"outer_gelu", &C::outer_gelu, "equation 8's outer GELU (the published implementation has none)"},
      {"backbone", &C::backbone,
       fmt::format("what mixes tokens in a block: {}", fmt::join(model::backbone_names(), ", "))},
      {"layer_norm", &C::layer_norm, "layer norms (table 6 leaves all of them out)"},
      {"residual", &C::residual, "residuals round the sublayers (table 6 leaves both out)"},
      {"pffn", &C::pffn, "position-wise sublayers, with their norms (table 6 leaves them out)"},
      {"network", &C::network,
       fmt::format("the position-wise sublayer: {}", fmt::join(model::position_wise_names(), ", "))},
      {"gates", &C::gates, "a gate round each sublayer: x + sigmoid(W x + b) f(x)"},
      {"norm_first", &C::norm_first, "layer norms before the sublayers instead of after, and one at the end"},
      {"item_norm", &C::item_norm, "score by the direction of an item's vector, not by its length"},
      {"positions_from", &C::positions_from,
       "start or end: positions count from a history's first item, which has position 1, or back from its "
       "last, "
       "which has the last position"},
      {"mask_share", &C::mask_share, "share of the items that are masked and predicted", 1e-6, 1},
      {"next_share", &C::next_share,
       "share of the sequences that are cut behind an item, with only that item masked, as in ranking", 0, 1},
      {"train_heads", &C::train_heads,
       "train also on the first items of long sequences, which the published windows drop"},
      {"alpha", &C::alpha, "a sum over n items of a history is divided by n^alpha", 0, 1},
      {"max_length", &C::max_length, "L, items of history the model sees", 1, 1e9},
      {"batch_size", &C::batch_size, "sequences a step", 1, 1e9},
      {"learning_rate", &C::learning_rate, "learning rate of AdamW", 0, no_limit},
      {"lr_schedule", &C::lr_schedule, "constant, or a learning rate that falls: linear, cosine"},
      {"warmup_steps", &C::warmup_steps, "steps over which the learning rate rises to its full value", 0,
       no_limit},
      {"lr_decay_steps", &C::lr_decay_steps,
       "steps until a falling learning rate reaches its final share, 0 = all planned steps", 0, no_limit},
      {"lr_final_share", &C::lr_final_share, "share of the learning rate that is left after lr_decay_steps",
       0, 1},
      {"weight_decay", &C::weight_decay,
       "weight decay of AdamW, on all but biases, norms and what a layer exempts (docs/models.md)", 0,
       no_limit},
      {"beta1", &C::beta1, "decay of AdamW's mean of gradients", 0, 0.999999},
      {"beta2", &C::beta2, "decay of AdamW's mean of squared gradients", 0, 0.999999999},
      {"adam_eps", &C::adam_eps, "added to the denominator in AdamW", 1e-30, 1},
      {"clip_norm", &C::clip_norm, "largest norm of the whole gradient", 1e-12, no_limit},
      {"average", &C::average,
       "decay of a running average of the weights, validated and kept as best in their place; 0 = none", 0,
       0.999999999},
      {"label_smoothing", &C::label_smoothing,
       "share of the target probability that is spread over all items; only with negatives = 0", 0, 0.999999},
      {"negatives", &C::negatives,
       "negative items drawn for each label in training, 0 = all items (full softmax)", 0, 1e9},
      {"negatives_shared", &C::negatives_shared,
       "share one set of negatives in a whole batch, instead of one for each position"},
      {"log_correction", &C::log_correction,
       "correct the sampled loss so that the negatives stand for all items"},
      {"max_epochs", &C::max_epochs, "stop after this many passes over the data, 0 = no limit", 0, no_limit,
       true},
      {"max_steps", &C::max_steps, "stop after this many steps, 0 = no limit", 0, no_limit, true},
      {"validate_every", &C::validate_every, "steps between validation rounds", 1, no_limit},
      {"validate_users", &C::validate_users,
       "users whose targets a validation round ranks, drawn by the seed, 0 = all", 0, no_limit},
      {"eval_negatives", &C::eval_negatives,
       "random items that a target is ranked among, 0 = all items (full ranking)", 0, 1e9},
      {"mask", &C::mask,
       "items that are no candidates in validation: none, window (the last max_length of the history) or "
       "all"},
      {"patience", &C::patience, "stop after this many rounds without a better Recall@10, 0 = no limit", 0,
       no_limit, true},
      {"log_every", &C::log_every, "steps between training lines in metrics.jsonl", 1, no_limit, true}};
  return all;
}

}  // namespace lrurec::config
