#include "autograd/variable.h"

#include <map>
#include <mutex>
#include <set>

#include "autograd/node.h"
#include "tensor/error.h"

namespace lrurec {
namespace {

thread_local bool recording_on = true;

struct OperationNames {
  std::mutex mutex;
  std::set<std::string, std::less<>> names;
};
OperationNames& operation_names() {
  static OperationNames instance;
  return instance;
}

void remember_operation(std::string_view op) {
  auto& all = operation_names();
  const std::lock_guard lock(all.mutex);
  if (!all.names.contains(op)) all.names.emplace(op);
}

}  // namespace

Variable::Variable(Tensor value, bool requires_grad) : impl_(std::make_shared<Impl>()) {
  if (!value.defined()) fail_op("Variable", "the tensor is undefined");
  if (requires_grad && !is_inexact(value.dtype())) {
    fail_op("Variable", "{} cannot carry a gradient", name(value.dtype()));
  }
  impl_->value = std::move(value);
  impl_->requires_grad = requires_grad;
}

const Tensor& Variable::value() const {
  if (!impl_) fail_op("Variable", "the variable is undefined");
  return impl_->value;
}

bool Variable::requires_grad() const { return impl_ && (impl_->requires_grad || impl_->node); }

const Tensor& Variable::grad() const {
  value();  // an undefined variable is an error, not a crash
  return impl_->grad.total();
}

void Variable::zero_grad() {
  if (impl_) impl_->grad = GradientSum();
}

void Variable::set_grad(const Tensor& new_grad) {
  value();
  if (new_grad.shape() != shape() || new_grad.dtype() != dtype()) {
    fail_op("set_grad", "{} {} does not fit {} {}", name(new_grad.dtype()), new_grad.shape().str(),
            name(dtype()), shape().str());
  }
  impl_->grad = GradientSum(new_grad);
}

void Variable::set_value(const Tensor& new_value) {
  value();
  if (!new_value.defined()) fail_op("set_value", "the tensor is undefined");
  if (impl_->node) fail_op("set_value", "only a leaf can be given a new value");
  if (new_value.shape() != shape() || new_value.dtype() != dtype()) {
    fail_op("set_value", "{} {} cannot replace {} {}", name(new_value.dtype()), new_value.shape().str(),
            name(dtype()), shape().str());
  }
  impl_->value = new_value;
}

namespace {

/// The gradient that a real scalar starts from: one tensor for each dtype and kind of device, never changed.
const Tensor& seed(DType dtype, Device device) {
  static std::mutex mutex;
  static auto* ones =
      new std::map<std::pair<DType, DeviceType>, Tensor>;  // outlives every tensor that is static
  const std::lock_guard lock(mutex);
  Tensor& one = (*ones)[{dtype, device.type}];
  if (!one.defined()) one = Tensor::full({}, 1.0, dtype, device);
  return one;
}

}  // namespace

bool is_seed(const Tensor& gradient) {
  return is_real(gradient.dtype()) && gradient.numel() == 1 &&
         gradient.raw() == seed(gradient.dtype(), gradient.device()).raw();
}

void Variable::backward() const {
  if (shape().numel() != 1 || !is_real(dtype())) {
    fail_op("backward", "a real scalar is needed, not {} {}; for anything else: backward({{y}}, {{dy}})",
            name(dtype()), shape().str());
  }
  lrurec::backward({*this}, {seed(dtype(), value().device()).reshape(shape())});
}

namespace {

Variables record_node(std::string_view op, const Variables& inputs, const Tensors& outputs,
                      MultiBackward backward, AddInto add_into) {
  remember_operation(op);
  bool needed = false;
  for (const auto& input : inputs) needed = needed || input.requires_grad();
  Variables results;
  for (const auto& output : outputs) results.emplace_back(output);
  if (!recording_on || !needed) return results;

  const auto node =
      std::make_shared<Node>(op, inputs, outputs.size(), std::move(backward), std::move(add_into));
  for (std::size_t i = 0; i < results.size(); ++i) node->attach(results[i], node, i);
  return results;
}

}  // namespace

Variables record(std::string_view op, const Variables& inputs, const Tensors& outputs,
                 MultiBackward backward) {
  return record_node(op, inputs, outputs, std::move(backward), {});
}

Variable record(std::string_view op, const Variables& inputs, const Tensor& output, Backward backward,
                AddInto add_into) {
  MultiBackward multi = [single = std::move(backward)](const Tensors& grads, const Needs& needs) {
    return single(grads[0], needs);
  };
  return record_node(op, inputs, Tensors{output}, std::move(multi), std::move(add_into))[0];
}

NoGrad::NoGrad() : previous_(recording_on) { recording_on = false; }
NoGrad::~NoGrad() { recording_on = previous_; }
bool recording() { return recording_on; }

std::vector<std::string> recorded_operations() {
  auto& all = operation_names();
  const std::lock_guard lock(all.mutex);
  return {all.names.begin(), all.names.end()};
}

}  // namespace lrurec
