#include "ops/losses/losses.h"

#include "ops/elementwise/elementwise.h"
#include "ops/reduce/reduce.h"
#include "tensor/error.h"

namespace lrurec::ops {
namespace {

void check(std::string_view op, const Variable& x, const Variable& target) {
  if (x.shape() != target.shape() || !is_real(x.dtype()) || !is_real(target.dtype())) {
    fail_op(op, "x: {} {} and target: {} {} must be real and of one shape", name(x.dtype()), x.shape().str(),
            name(target.dtype()), target.shape().str());
  }
}

}  // namespace

Variable mse_loss(const Variable& x, const Variable& target) {
  check("mse_loss", x, target);
  return mean(square(x - target));
}

Variable binary_cross_entropy_with_logits(const Variable& x, const Variable& target) {
  check("binary_cross_entropy_with_logits", x, target);
  return mean(target * softplus(-x) + (1 - target) * softplus(x));
}

Variable mse_loss(const Variable& x, const Tensor& target) { return mse_loss(x, Variable(target)); }
Variable binary_cross_entropy_with_logits(const Variable& x, const Tensor& target) {
  return binary_cross_entropy_with_logits(x, Variable(target));
}

}  // namespace lrurec::ops
