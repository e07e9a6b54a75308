#pragma once
// What a raw file says: who took what, when.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lrurec/data/string_table.h"

namespace lrurec::data {

/// Gives each different text a number, in the order of first appearance.
class Interner {
 public:
  std::uint32_t number(std::string_view text);
  std::size_t size() const { return numbers_.size(); }
  StringTable texts() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
};

/// Seconds, or whatever else the file counts in. Nanoseconds since 1970 are whole numbers of 19 digits, which
/// a double would round to a quarter of a microsecond.
using Time = long double;

/// Rows of a raw file in file order, as columns. `time` is empty where the format has none: then the file's
/// order is the order.
struct Interactions {
  std::vector<std::uint32_t> user, item;  ///< numbers of users and items, from 0
  std::vector<Time> time;
  std::vector<float> rating;  ///< empty where the format has none or nobody asked
  StringTable users, items;   ///< raw ids
  std::string source, format;
  std::int64_t skipped = 0;          ///< lines that could not be read and were left out
  std::vector<std::string> where;    ///< the conditions that all rows meet
  std::int64_t unlike = 0;           ///< rows that were left out, since they do not meet them
  std::vector<std::string> remarks;  ///< what whoever uses the rows should know, a sentence each

  std::size_t size() const { return user.size(); }
};

}  // namespace lrurec::data
