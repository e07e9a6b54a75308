#include "ops/device/device.h"

namespace lrurec::ops {

Variable to(const Variable& x, Device device) {
  return record("to", {x}, x.value().to(device),
                [from = x.value().device()](const Tensor& dy, const Needs&) { return Tensors{dy.to(from)}; });
}

}  // namespace lrurec::ops
