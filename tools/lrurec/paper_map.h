#pragma once
// docs/paper-map.md inside the command, with the lines of what it names (tools/paper_index.cmake).

#include <string>
#include <string_view>
#include <vector>

namespace lrurec::command {

extern const std::string_view paper_map_text;

struct PaperPlace {
  std::string name;  ///< "nn/lru.cpp: LRU::input" or "Suite.Name"
  int line = 0;
  std::string file = {};  ///< of a test; "" for a function, whose name holds its file
};
const std::vector<PaperPlace>& paper_places();

}  // namespace lrurec::command
