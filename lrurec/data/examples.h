#pragma once
// Training examples: what a model is shown and what it is to predict from it.

#include <cstdint>
#include <vector>

#include "lrurec/data/batch.h"
#include "lrurec/data/dataset.h"
#include "tensor/random.h"

namespace lrurec::data {

/// What models learn from. The items of a user being 5 3 8, with L at least 3:
///
///   windows      [0] -> 5, [5 3] -> 3 8     a label at every position (batch.h)
///   prefixes     [0] -> 5, [5] -> 3, [5 3] -> 8     one example for each of the last L items
///   pairs        {3 8} -> 5, {5 8} -> 3, {5 3} -> 8     the other items of the user, in any order
///   transitions  [0] -> 5, [5] -> 3, [3] -> 8     the item before
///   cloze        [5 ? 8] -> 3     some positions are to be predicted, most of them behind a mask (?)
enum class ExampleKind { windows, prefixes, pairs, transitions, cloze };

struct ExampleOptions {
  ExampleKind kind = ExampleKind::windows;
  std::int64_t max_length = 200;  ///< L
  double mask_share = 0.2;        ///< of cloze: the probability that a position is to be predicted
  bool with_heads = false;        ///< of windows and cloze: also the first items, which windows drop
  double next_share = 0;          ///< of cloze: the probability that only a sequence's next item is hidden
};

/// Items first .. first+length-1 of a user's training items.
///
/// As windows and cloze, by the published implementation's rule: a user of fewer than 2 L training items
/// gives one window of all of them. A user of 2 L or more gives full windows of L, counted from the end, and
/// the items left at the head are dropped. The labels are the last L items of the window, and the input of
/// each label is the item before it; if the label is the window's first item, its input is the start token.
/// `with_heads` adds one more window, of fewer than L items, with those that are no label otherwise (13% of
/// ML-1M's).
///
/// As prefixes, pairs and transitions: the label is the window's last item and the model sees the items
/// before it. For pairs it sees all other items of the user.
struct Window {
  std::int64_t user, first, length;
};
std::vector<Window> training_windows(const Dataset& data, std::int64_t max_length, bool with_heads = false);
std::vector<Window> training_examples(const Dataset& data, const ExampleOptions& options);
/// Number of labels of one window: min(length, L).
std::int64_t label_count(const Window& window, std::int64_t max_length);
/// Appends a window to a batch.
void pack_window(const Dataset& data, const Window& window, std::int64_t max_length, PackedBatch& batch);

/// Packs examples into a batch. `random` decides what a cloze hides: each position with probability
/// mask_share. A hidden position holds the mask, item |I| + 1 (8 of 10), a random item (1 of 10) or its own
/// item (1 of 10). A sequence in which nothing is hidden is left out; if that leaves no sequence, the last
/// item of the first one is hidden. With probability next_share a sequence is instead cut behind one of its
/// items, any but the first, and only that item is hidden, behind the mask: what ranking asks for.
PackedBatch pack_examples(const Dataset& data, std::span<const Window> examples,
                          const ExampleOptions& options, const Philox& random);

}  // namespace lrurec::data
