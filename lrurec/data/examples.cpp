#include "lrurec/data/examples.h"

#include <algorithm>

#include "tensor/error.h"

namespace lrurec::data {
namespace {

Items items_of(const Dataset& data, const Window& window) {
  return data.train(window.user)
      .subspan(static_cast<std::size_t>(window.first), static_cast<std::size_t>(window.length));
}

void end_segment(PackedBatch& batch, std::int64_t user) {
  batch.offsets.push_back(batch.tokens());
  batch.users.push_back(user + 1);
}

/// The model sees the items before the last, which is the label.
void pack_prefix(const Dataset& data, const Window& window, PackedBatch& batch) {
  const Items items = items_of(data, window);
  if (window.length == 1) batch.items.push_back(0);
  batch.items.insert(batch.items.end(), items.begin(), items.end() - 1);
  end_segment(batch, window.user);
  batch.predicted_from.push_back(batch.tokens() - 1);
  batch.labels.push_back(items.back());
  ++batch.sequences;
}

/// The model sees all training items of the user but the label.
void pack_pair(const Dataset& data, const Window& window, PackedBatch& batch) {
  const Items all = data.train(window.user);
  const auto place = window.first + window.length - 1;
  batch.items.insert(batch.items.end(), all.begin(), all.begin() + place);
  batch.items.insert(batch.items.end(), all.begin() + place + 1, all.end());
  end_segment(batch, window.user);
  batch.labels.push_back(all[static_cast<std::size_t>(place)]);
  ++batch.sequences;
}

/// Hides some items of windows, by three random numbers for each place.
class Cloze {
 public:
  Cloze(const Dataset& data, const ExampleOptions& options, const Philox& random)
      : data_(data), options_(options), random_(random), mask_(data.items() + 1) {}

  void pack(const Window& window, bool always, PackedBatch& batch) {
    Items items = items_of(data_, window);
    items = items.last(static_cast<std::size_t>(label_count(window, options_.max_length)));
    if (options_.next_share > 0 && items.size() > 1) {
      const std::uint64_t draw = 3 * drawn_++;
      if (random_.uniform(draw) < options_.next_share) {
        return pack_next(window.user, items.first(2 + random_.below(draw + 1, items.size() - 1)), batch);
      }
    }
    const auto first = batch.tokens();
    const std::size_t labels = batch.labels.size();
    for (const auto item : items) {
      const std::uint64_t draw = 3 * drawn_++;
      batch.items.push_back(item);
      if (random_.uniform(draw) >= options_.mask_share) continue;
      hide(draw, batch);
    }
    if (batch.labels.size() == labels) {
      if (!always) {
        batch.items.resize(static_cast<std::size_t>(first));
        return;
      }
      hide(3 * (drawn_ - 1), batch);
    }
    end_segment(batch, window.user);
    ++batch.sequences;
  }

 private:
  /// Appends the items, the last one hidden behind the mask.
  void pack_next(std::int64_t user, Items items, PackedBatch& batch) const {
    batch.items.insert(batch.items.end(), items.begin(), items.end() - 1);
    batch.items.push_back(mask_);
    batch.labels.push_back(items.back());
    batch.predicted_from.push_back(batch.tokens() - 1);
    end_segment(batch, user);
    ++batch.sequences;
  }
  /// Hides the last token of the batch.
  void hide(std::uint64_t draw, PackedBatch& batch) {
    batch.labels.push_back(batch.items.back());
    batch.predicted_from.push_back(batch.tokens() - 1);
    const double what = random_.uniform(draw + 1);
    if (what < 0.8) {
      batch.items.back() = mask_;
    } else if (what < 0.9) {
      batch.items.back() =
          1 + static_cast<std::int64_t>(random_.below(draw + 2, static_cast<std::uint64_t>(data_.items())));
    }
  }

  const Dataset& data_;
  const ExampleOptions& options_;
  const Philox& random_;
  const std::int64_t mask_;
  std::uint64_t drawn_ = 0;
};

}  // namespace

std::vector<Window> training_windows(const Dataset& data, std::int64_t L, bool with_heads) {
  if (L < 1) fail(ErrorKind::internal, "the maximum length must be at least 1, not {}", L);
  std::vector<Window> windows;
  for (std::int64_t user = 0; user < data.users(); ++user) {
    const auto n = static_cast<std::int64_t>(data.train(user).size());
    if (n == 0) continue;
    const std::int64_t head = n < 2 * L ? std::max<std::int64_t>(0, n - L) : n % L;
    if (with_heads && head > 0) windows.push_back({user, 0, head});
    if (n < 2 * L) {
      windows.push_back({user, 0, n});
    } else {
      for (std::int64_t end = n; end >= L; end -= L) windows.push_back({user, end - L, L});
    }
  }
  return windows;
}

std::vector<Window> training_examples(const Dataset& data, const ExampleOptions& options) {
  const std::int64_t L = options.max_length;
  if (options.kind == ExampleKind::windows || options.kind == ExampleKind::cloze)
    return training_windows(data, L, options.with_heads);
  std::vector<Window> examples;
  for (std::int64_t user = 0; user < data.users(); ++user) {
    const auto n = static_cast<std::int64_t>(data.train(user).size());
    const bool prefixes = options.kind == ExampleKind::prefixes;
    for (std::int64_t label = prefixes ? std::max<std::int64_t>(0, n - L) : 0; label < n; ++label) {
      const std::int64_t most = prefixes ? L : options.kind == ExampleKind::transitions ? 1 : 0;
      const std::int64_t before = std::min(label, most);
      examples.push_back({user, label - before, before + 1});
    }
  }
  return examples;
}

std::int64_t label_count(const Window& window, std::int64_t L) { return std::min(window.length, L); }

void pack_window(const Dataset& data, const Window& window, std::int64_t L, PackedBatch& batch) {
  const Items items = items_of(data, window);
  const std::int64_t labels = label_count(window, L);
  const std::int64_t first_label = window.length - labels;
  if (first_label == 0) {
    batch.items.push_back(0);
    batch.labels.push_back(items[0]);
    end_segment(batch, window.user);
  }
  for (std::int64_t label = std::max<std::int64_t>(first_label, 1); label < window.length; ++label) {
    batch.items.push_back(items[static_cast<std::size_t>(label - 1)]);
    batch.labels.push_back(items[static_cast<std::size_t>(label)]);
  }
  if (batch.offsets.back() != batch.tokens()) end_segment(batch, window.user);
  ++batch.sequences;
}

PackedBatch pack_examples(const Dataset& data, std::span<const Window> examples,
                          const ExampleOptions& options, const Philox& random) {
  PackedBatch batch;
  switch (options.kind) {
    case ExampleKind::windows:
      for (const auto& window : examples) pack_window(data, window, options.max_length, batch);
      break;
    case ExampleKind::prefixes:
    case ExampleKind::transitions:
      for (const auto& window : examples) pack_prefix(data, window, batch);
      break;
    case ExampleKind::pairs:
      for (const auto& window : examples) pack_pair(data, window, batch);
      break;
    case ExampleKind::cloze: {
      Cloze cloze(data, options, random);
      for (const auto& window : examples) cloze.pack(window, /*always=*/false, batch);
      if (batch.labels.empty() && !examples.empty()) cloze.pack(examples[0], /*always=*/true, batch);
      break;
    }
  }
  return batch;
}

}  // namespace lrurec::data
