#include "nn/prepared.h"

#include "tensor/error.h"
#include "tensor/storage.h"

namespace lrurec::nn {

void Prepared::note(const Module& module) {
  seen_.clear();
  for (const auto& p : module.named_parameters()) {
    const Tensor& value = p.variable.value();
    seen_.push_back({p.variable, value, value.storage()->version()});
  }
}

void Prepared::check(std::string_view op) const {
  if (seen_.empty()) fail_op(op, "prepare_steps() comes first");
  for (const auto& seen : seen_) {
    const auto* storage = seen.weight.value().storage();
    if (storage != seen.value.storage() || storage->version() != seen.version) {
      fail_op(op, "the weights were changed since prepare_steps(); call it again");
    }
  }
}

}  // namespace lrurec::nn
