#pragma once
// The k best of some scored classes.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace lrurec::ops::kernels {

template <class T>
struct Candidate {
  T score;
  std::int64_t id;
  /// Whether it ranks before the other. No two candidates are equal, so the result does not depend on the
  /// order in which they are offered.
  bool operator<(const Candidate& other) const {
    return score > other.score || (score == other.score && id < other.id);
  }
};

/// A heap with the worst on top.
template <class T>
class Best {
 public:
  explicit Best(std::int64_t k) : k_(static_cast<std::size_t>(k)) { heap_.reserve(k_); }

  /// The score that a candidate must reach to matter.
  T bar() const { return heap_.size() < k_ ? -std::numeric_limits<T>::infinity() : heap_.front().score; }
  void offer(Candidate<T> candidate) {
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (k_ > 0 && candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  const std::vector<Candidate<T>>& candidates() const { return heap_; }
  /// Best first; places without a candidate get -1 and -infinity.
  void write(std::int64_t* indices, T* values) {
    std::sort_heap(heap_.begin(), heap_.end());
    for (std::size_t i = 0; i < k_; ++i) {
      indices[i] = i < heap_.size() ? heap_[i].id : -1;
      values[i] = i < heap_.size() ? heap_[i].score : -std::numeric_limits<T>::infinity();
    }
  }

 private:
  std::size_t k_;
  std::vector<Candidate<T>> heap_;
};

}  // namespace lrurec::ops::kernels
