#include "autograd/variable.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <ostream>
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
  static auto* instance = new OperationNames;  // outlives every node that names one
  return *instance;
}

}  // namespace

namespace detail {

/// The name in the list of recorded operations. A thread finds the names that it used lately without a lock.
const std::string& remember_operation(std::string_view op) {
  static constexpr std::size_t places = 256;
  static thread_local std::array<const std::string*, places> lately{};
  auto& name = lately[reinterpret_cast<std::uintptr_t>(op.data()) % places];
  if (name == nullptr || *name != op) {
    auto& all = operation_names();
    const std::lock_guard lock(all.mutex);
    name = &*all.names.emplace(op).first;
  }
  return *name;
}

bool is_recorded(std::string_view op, const Inputs& inputs) {
  remember_operation(op);
  return recording_on &&
         std::any_of(inputs.begin(), inputs.end(), [](const Variable& v) { return v.requires_grad(); });
}

}  // namespace detail

namespace {

void check_gradient_dtype(const char* op, DType dtype) {
  if (!is_inexact(dtype)) fail_op(op, "{} cannot carry a gradient", name(dtype));
}

}  // namespace

Variable::Variable(Tensor value, bool requires_grad) : impl_(std::make_shared<Impl>()) {
  if (!value.defined()) fail_op("Variable", "the tensor is undefined");
  if (requires_grad) check_gradient_dtype("Variable", value.dtype());
  impl_->value = std::move(value);
  impl_->requires_grad = requires_grad;
  if (requires_grad) impl_->leaf = std::make_unique<Leaf>();
}

const Tensor& Variable::value() const {
  if (!impl_) fail_op("Variable", "the variable is undefined");
  return impl_->value;
}

bool Variable::requires_grad() const { return impl_ && (impl_->requires_grad || impl_->node); }

void Variable::set_requires_grad(bool requires_grad) {
  value();
  if (impl_->node) {
    fail_op("set_requires_grad", "only of a leaf; '{}' made this variable: take detach()", impl_->node->op());
  }
  if (requires_grad) {
    check_gradient_dtype("set_requires_grad", dtype());
    if (!impl_->leaf) impl_->leaf = std::make_unique<Leaf>();
  } else {
    zero_grad();
  }
  impl_->requires_grad = requires_grad;
}

const Tensor& Variable::grad() const {
  static const Tensor none;
  value();  // an undefined variable is an error, not a crash
  return impl_->leaf ? impl_->leaf->grad : none;
}

void Variable::zero_grad() {
  if (impl_ && impl_->leaf) impl_->leaf->grad = Tensor();
}

void Variable::set_grad(const Tensor& new_grad) {
  value();
  if (!new_grad.defined()) fail_op("set_grad", "the tensor is undefined; zero_grad() drops a gradient");
  if (impl_->node) {
    fail_op("set_grad", "only of a leaf; '{}' made this variable: take detach()", impl_->node->op());
  }
  if (new_grad.shape() != shape() || new_grad.dtype() != dtype()) {
    fail_op("set_grad", "{} {} does not fit {} {}", name(new_grad.dtype()), new_grad.shape().str(),
            name(dtype()), shape().str());
  }
  if (!impl_->leaf) impl_->leaf = std::make_unique<Leaf>();
  impl_->leaf->grad = new_grad;
}

void Variable::register_hook(Hook hook) const {
  if (!hook) fail_op("register_hook", "the hook is empty");
  if (!requires_grad()) fail_op("register_hook", "no gradient will come here: the variable requires none");
  if (impl_->node) {
    impl_->node->add_hook(impl_->output, std::move(hook));
  } else {
    impl_->leaf->hooks.push_back(std::move(hook));
  }
}

std::string Variable::str() const {
  if (!defined()) return "undefined";
  std::string text = value().str();
  if (impl_->node) return text + fmt::format(" of {}", impl_->node->op());
  return impl_->requires_grad ? text + " requires_grad" : text;
}

std::ostream& operator<<(std::ostream& out, const Variable& variable) { return out << variable.str(); }

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

/// The gradient that a real scalar starts from: one tensor for each dtype and kind of device.
const Tensor& seed(DType dtype, Device device) {
  static std::mutex mutex;
  static auto* ones = new std::map<std::pair<DType, DeviceType>,
                                   std::pair<Tensor, std::uint32_t>>;  // outlives all that is static
  const std::lock_guard lock(mutex);
  auto& [one, version] = (*ones)[{dtype, device.type}];
  if (!one.defined() || one.storage()->version() != version) {  // a hook may have written to it
    one = Tensor::full({}, 1.0, dtype, device);
    version = one.storage()->version();
  }
  return one;
}

}  // namespace

bool is_seed(const Tensor& gradient) {
  return is_real(gradient.dtype()) && gradient.numel() == 1 &&
         gradient.raw() == seed(gradient.dtype(), gradient.device()).raw();
}

bool Variable::is_leaf() const { return impl_ == nullptr || impl_->node == nullptr; }

void Variable::backward(bool keep_graph) const {
  if (shape().numel() != 1 || !is_real(dtype())) {
    fail_op("backward", "a real scalar is needed, not {} {}; for anything else: backward({{y}}, {{dy}})",
            name(dtype()), shape().str());
  }
  lrurec::backward({*this}, {seed(dtype(), value().device()).reshape(shape())}, keep_graph);
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
