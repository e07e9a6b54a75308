#include "nn/module.h"

#include <algorithm>
#include <set>

#include "tensor/error.h"

namespace lrurec::nn {

namespace {

std::string joined(const std::string& module, const std::string& name) {
  return module.empty() ? name : module + "." + name;
}

}  // namespace

std::vector<NamedParameter> each_once(const std::vector<NamedParameter>& parameters) {
  std::vector<NamedParameter> once;
  std::set<const Tensor*> seen;  // a Variable under two names has one value
  for (const auto& p : parameters) {
    if (seen.insert(&p.variable.value()).second) once.push_back(p);
  }
  return once;
}

std::vector<NamedParameter> Module::named_parameters() const {
  std::vector<NamedParameter> all = parameters_;
  for (const auto& [name, module] : modules_) {
    for (auto& below : module->named_parameters()) {
      all.push_back({joined(name, below.name), below.variable, below.decay});
    }
  }
  return all;
}

std::vector<NamedBuffer> Module::named_buffers() const {
  std::vector<NamedBuffer> all = buffers_;
  for (const auto& [name, module] : modules_) {
    for (auto& below : module->named_buffers()) all.push_back({joined(name, below.name), below.variable});
  }
  return all;
}

std::vector<NamedBuffer> Module::named_state() const {
  std::vector<NamedBuffer> all;
  for (const auto& p : named_parameters()) all.push_back({p.name, p.variable});
  for (auto& buffer : named_buffers()) all.push_back(std::move(buffer));
  std::set<std::string_view> names;
  for (const auto& one : all) {
    if (!names.insert(one.name).second) {
      fail_op("named_state",
              "two parameters or buffers are named '{}', and only one could be saved; give their "
              "modules different names",
              one.name);
    }
  }
  return all;
}

Variable Module::parameter(const std::string& name) const {
  std::string known;
  for (const auto& p : named_parameters()) {
    if (p.name == name) return p.variable;
    known += (known.empty() ? "" : ", ") + p.name;
  }
  fail_op("parameter", "there is no '{}'; there are {}", name, known);
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& p : each_once(named_parameters())) count += p.variable.shape().numel();
  return count;
}

void Module::zero_grad() {
  for (auto& p : named_parameters()) p.variable.zero_grad();
}

void Module::set_requires_grad(bool requires_grad) {
  for (auto& p : named_parameters()) p.variable.set_requires_grad(requires_grad);
}

void Module::copy_values(const Module& from) {
  const auto theirs = from.named_state();
  const auto ours = named_state();
  if (ours.size() != theirs.size()) {
    fail_op("copy_values", "{} parameters and buffers from a module with {}", ours.size(), theirs.size());
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {  // all, before any is changed
    const Tensor &to = ours[i].variable.value(), &value = theirs[i].variable.value();
    if (ours[i].name != theirs[i].name || to.shape() != value.shape() || to.dtype() != value.dtype()) {
      fail_op("copy_values", "'{}' {} from '{}' {}", ours[i].name, describe(to), theirs[i].name,
              describe(value));
    }
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    Variable own = ours[i].variable;
    own.set_value(theirs[i].variable.value().contiguous().clone());
  }
}

void Module::to(Device device) {
  for (auto& p : named_state()) {
    p.variable.zero_grad();
    p.variable.set_value(p.variable.value().to(device));
  }
}

void Module::check_new(const std::string& name) const {
  const auto same = [&](const auto& one) { return one.name == name; };
  const bool there = std::ranges::any_of(parameters_, same) || std::ranges::any_of(buffers_, same) ||
                     std::ranges::any_of(modules_, [&](const auto& one) { return one.first == name; });
  if (there && !name.empty()) fail_op("register", "'{}' is registered already in this module", name);
  if (name.find('.') != std::string::npos) {
    fail_op("register", "'{}': a dot stands between the names of modules; choose a name without", name);
  }
}

Variable Module::register_parameter(std::string name, Tensor value, WeightDecay decay) {
  check_new(name);
  parameters_.push_back({std::move(name), Variable(std::move(value), /*requires_grad=*/true), decay});
  return parameters_.back().variable;
}

Variable Module::register_buffer(std::string name, Tensor value) {
  check_new(name);
  buffers_.push_back({std::move(name), Variable(std::move(value))});
  return buffers_.back().variable;
}

void Module::register_module(std::string name, Module& module) {
  check_new(name);
  modules_.emplace_back(std::move(name), &module);
}

}  // namespace lrurec::nn
