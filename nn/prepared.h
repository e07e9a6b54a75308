#pragma once
// Notices when weights change after something was packed from them.

#include <cstdint>
#include <string_view>
#include <vector>

#include "nn/module.h"

namespace lrurec::nn {

/// Weights as they were when note() was called.
class Prepared {
 public:
  void note(const Module& module);
  /// Throws an error of `op` where note() was never called, or a weight was changed or replaced since.
  void check(std::string_view op) const;

 private:
  struct Seen {
    Variable weight;
    Tensor value;  ///< kept alive, so that no later value gets its address
    std::uint32_t version;
  };
  std::vector<Seen> seen_;
};

}  // namespace lrurec::nn
