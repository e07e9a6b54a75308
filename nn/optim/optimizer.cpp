#include "nn/optim/optimizer.h"

#include <cmath>
#include <set>

#include "nn/optim/parameter_table.h"

namespace lrurec::nn {

namespace {

void check_rate(double lr) {
  if (!(lr >= 0) || !std::isfinite(lr)) fail(ErrorKind::internal, "optimizer: a learning rate of {}", lr);
}

bool is_bias(const std::string& name) {
  return name.substr(name.rfind('.') + 1).find("bias") != std::string::npos;
}

}  // namespace

std::vector<ParameterGroup> decay_groups(const Module& module, double weight_decay) {
  ParameterGroup decayed{{}, weight_decay}, plain{{}, 0};
  for (const auto& p : each_once(module.named_parameters())) {
    if (!p.variable.requires_grad()) continue;
    const bool exempt = p.decay == WeightDecay::no || is_bias(p.name);
    (exempt ? plain : decayed).parameters.push_back(p);
  }
  return {decayed, plain};
}

Optimizer::Optimizer(const std::vector<ParameterGroup>& groups, double lr) : lr_(lr) {
  check_rate(lr);
  std::set<std::string> names;
  std::map<const std::byte*, std::string> places;
  for (const auto& group : groups) {
    if (!(group.weight_decay >= 0) || !std::isfinite(group.weight_decay) || !(group.lr_factor >= 0) ||
        !std::isfinite(group.lr_factor)) {
      fail(ErrorKind::internal, "optimizer: a group with weight decay {} and {} times the learning rate",
           group.weight_decay, group.lr_factor);
    }
    for (const auto& p : group.parameters) {
      if (!names.insert(p.name).second) {
        fail(ErrorKind::internal,
             "optimizer: two parameters are named {}: list each once, and register modules that are trained "
             "together in a common one",
             p.name);
      }
      if (!p.variable.requires_grad() || !p.variable.is_leaf()) {
        fail(ErrorKind::internal,
             "optimizer: {} is no leaf that requires a gradient, so no step would move it: leave it out, or "
             "freeze it after the optimiser is made",
             p.name);
      }
      if (!p.variable.value().is_contiguous()) {
        fail(ErrorKind::internal,
             "optimizer: parameter {} is a strided view: give it memory of its own (clone)", p.name);
      }
      if (p.variable.value().numel() > 0) {
        const auto [there, fresh] = places.emplace(p.variable.value().raw(), p.name);
        if (!fresh) {
          fail(ErrorKind::internal,
               "optimizer: parameters {} and {} are the same tensor, which would get every step twice: list "
               "it once",
               there->second, p.name);
        }
      }
      parameters_.push_back(p);
      lr_factor_.push_back(group.lr_factor);
      weight_decay_.push_back(group.weight_decay);
    }
  }
  if (!parameters_.empty()) device_ = parameters_.front().variable.value().device();
}

void Optimizer::set_lr(double lr) {
  check_rate(lr);
  lr_ = lr;
}

void Optimizer::set_steps(std::int64_t steps) {
  if (steps < 0) fail(ErrorKind::internal, "optimizer: {} steps were made, which cannot be", steps);
  steps_ = steps;
}

void Optimizer::mark_changed() const {
  for (const auto& p : parameters_) {
    if (p.variable.grad().defined()) p.variable.value().mark_changed();
  }
}

void Optimizer::check_values() const {
  for (const auto& p : parameters_) {
    if (p.variable.grad().defined() && !p.variable.value().is_contiguous()) {
      fail(ErrorKind::internal, "parameter {} was given a strided view: set_value(tensor.contiguous())",
           p.name);
    }
  }
}

void Optimizer::step(double gradient_scale) {
  check_values();
  ++steps_;
  update(gradient_scale, {});
  mark_changed();
}

ClippedStep Optimizer::clip_and_step(double max_norm, const Tensor& loss) {
  if (!(max_norm > 0))
    fail(ErrorKind::internal, "optimizer: gradients cannot be cut at a norm of {}", max_norm);
  if (!device_.is_cuda()) {
    ClippedStep::Values values;
    if (loss.defined()) values.loss = loss.to(DType::f64).item<double>();
    if (!std::isfinite(values.loss)) fail(ErrorKind::non_finite, "the loss is {}", values.loss);
    values.norm = finite_gradient_norm(parameters_);
    step(clip_factor(values.norm, max_norm));
    return ClippedStep(values);
  }
  if (!halted_.defined()) halted_ = Tensor::zeros({1}, DType::f64, device_);
  check_values();
  const Tensor report = norm_on_gpu(parameters_, max_norm, loss, halted_);
  ++steps_;
  update(1, report);
  mark_changed();
  return ClippedStep(report, parameters_);
}

std::vector<Tensor> Optimizer::zero_state() const {
  std::vector<Tensor> state;
  for (const auto& p : parameters_) {
    const Tensor real_parts = parts(p.variable.value());
    state.push_back(Tensor::zeros(real_parts.shape(), real_parts.dtype(), real_parts.device()));
  }
  return state;
}

std::map<std::string, Tensor> Optimizer::named(const char* prefix, const std::vector<Tensor>& tensors) const {
  std::map<std::string, Tensor> result;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    result.emplace(std::string(prefix) + "." + parameters_[k].name, tensors[k]);
  }
  return result;
}

}  // namespace lrurec::nn
