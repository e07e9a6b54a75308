#pragma once
// The blocks that an allocator keeps for reuse, and how many are worth keeping.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <new>
#include <vector>

namespace lrurec {

struct Block {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
};

/// Free blocks by size. Sizes up to 1,024 bytes that are multiples of 64 are found without a search.
class FreeBlocks {
 public:
  /// Keeps a block. False where there is no memory to note it in: the caller may be a destructor, so this
  /// must not throw.
  bool put(Block block) {
    try {
      if (auto* const blocks = small(block.bytes)) {
        blocks->push_back(block.data);
      } else {
        Size& size = sizes_[block.bytes];
        size.blocks.push_back(block.data);
        size.used = ++clock_;
      }
      bytes_ += block.bytes;
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  /// The smallest block of at least `bytes` and at most `largest`, and for a small size only of that very
  /// size. Without data where there is none.
  Block take(std::size_t bytes, std::size_t largest) {
    if (auto* const blocks = small(bytes)) return take_last(*blocks, bytes);
    for (auto it = sizes_.lower_bound(bytes); it != sizes_.end() && it->first <= largest; ++it) {
      if (it->second.blocks.empty()) continue;
      it->second.used = ++clock_;
      return take_last(it->second.blocks, it->first);
    }
    return {};
  }

  /// A block of the size that nothing was freed to or taken from for longest. Small blocks stay.
  Block take_unused() {
    auto oldest = sizes_.end();
    for (auto it = sizes_.begin(); it != sizes_.end(); ++it) {
      if (!it->second.blocks.empty() && (oldest == sizes_.end() || it->second.used < oldest->second.used))
        oldest = it;
    }
    return oldest == sizes_.end() ? Block{} : take_last(oldest->second.blocks, oldest->first);
  }

  /// Calls give_back(block) for each, and has none then.
  template <class GiveBack>
  void clear(GiveBack&& give_back) {
    for (auto& [size, at] : sizes_) {
      for (std::byte* data : at.blocks) give_back(Block{data, size});
    }
    sizes_.clear();
    for (std::size_t place = 0; place < small_.size(); ++place) {
      for (std::byte* data : small_[place]) give_back(Block{data, place * small_step});
      small_[place].clear();
    }
    bytes_ = 0;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t small_step = 64;
  struct Size {
    std::vector<std::byte*> blocks;
    std::uint64_t used = 0;
  };

  std::vector<std::byte*>* small(std::size_t bytes) {
    const std::size_t place = bytes / small_step;
    return place < small_.size() && bytes % small_step == 0 ? &small_[place] : nullptr;
  }
  Block take_last(std::vector<std::byte*>& blocks, std::size_t bytes) {
    if (blocks.empty()) return {};
    std::byte* data = blocks.back();
    blocks.pop_back();
    bytes_ -= bytes;
    return {data, bytes};
  }

  std::array<std::vector<std::byte*>, 17> small_;  ///< by size / small_step
  std::map<std::size_t, Size> sizes_;
  std::uint64_t clock_ = 0;
  std::size_t bytes_ = 0;
};

/// How many bytes an allocator may have in all, in use and free. Nearly all of a step's memory is free at its
/// end and serves the next step. What goes far beyond the most that was in use lately is left over from other
/// sizes.
class MemoryBound {
 public:
  /// Tells how much is in use, after it has grown.
  void grown(std::size_t in_use) { most_ = std::max(most_, in_use); }
  /// Tells how much is in use, after it has shrunk. "Lately" is within the present `window` of these calls
  /// and the one before.
  void shrunk(std::size_t in_use) {
    if (++calls_ % window != 0) return;
    most_before_ = most_;
    most_ = in_use;
  }
  /// The bound while in_use bytes are used.
  std::size_t bytes(std::size_t in_use) const {
    const std::size_t most = std::max({most_before_, most_, in_use});
    return most + most / 4 + (std::size_t{64} << 20);
  }

  static constexpr std::uint64_t window = 16'384;

 private:
  std::size_t most_ = 0, most_before_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace lrurec
