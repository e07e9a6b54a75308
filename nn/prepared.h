#pragma once
// Whether weights are still those that something was made of.

#include <cstdint>
#include <string_view>
#include <vector>

#include "nn/module.h"

namespace lrurec::nn {

/// Weights as they were when note() was called.
class Prepared {
 public:
  void note(const Module& module);
  /// Weights that were changed or exchanged since are an error that names the operation.
  void check(std::string_view op) const;

 private:
  struct Seen {
    Variable weight;
    Tensor value;  ///< kept, so that no later value comes to lie in its place
    std::uint32_t version;
  };
  std::vector<Seen> seen_;
};

}  // namespace lrurec::nn
