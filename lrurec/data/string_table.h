#pragma once
// Many short texts in one block of memory.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lrurec::data {

class StringTable {
 public:
  void add(std::string_view text) {
    text_ += text;
    ends_.push_back(text_.size());
  }
  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  /// Whether the positions rise and end with the text: what a loaded table must show before it is used.
  bool valid() const {
    std::uint64_t last = 0;
    for (const auto end : ends_) {
      if (end < last) return false;
      last = end;
    }
    return last == text_.size();
  }
  friend bool operator==(const StringTable&, const StringTable&) = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(text_, ends_);
  }

 private:
  std::string text_;
  std::vector<std::uint64_t> ends_;
};

}  // namespace lrurec::data
