#pragma once
// Modules made of modules.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/module.h"
#include "tensor/error.h"

namespace lrurec::nn {

/// Layers one after the other, each with the output of the one before:
///
///   nn::Sequential net;
///   net.add<nn::Linear>(2, 16, init).add(ops::tanh).add<nn::Linear>(16, 1, init);
///
/// Parameters are named by place, functions included: "0.weight", "0.bias", "2.weight", "2.bias".
class Sequential : public Module {
 public:
  /// Makes a layer, Layer(args...), that has forward(x) or forward(x, context).
  template <class Layer, class... Args>
  Sequential& add(Args&&... args) {
    auto made = std::make_unique<Layer>(std::forward<Args>(args)...);
    const Layer& layer = *made;
    register_module(std::to_string(steps_.size()), *made);
    layers_.push_back(std::move(made));
    steps_.push_back([&layer](const Variable& x, const ForwardContext& context) {
      if constexpr (requires { layer.forward(x, context); }) {
        return layer.forward(x, context);
      } else {
        return layer.forward(x);
      }
    });
    return *this;
  }
  /// A function without parameters, of x alone: a lambda for one that has more arguments (ops::softmax).
  Sequential& add(std::function<Variable(const Variable&)> function) {
    if (!function) fail_op("Sequential", "step {} is an empty function", steps_.size());
    steps_.push_back(
        [function = std::move(function)](const Variable& x, const ForwardContext&) { return function(x); });
    return *this;
  }

  /// x: as the first layer takes it. The context goes to the layers that take one, such as Dropout. The
  /// default context is that of inference, without dropout.
  Variable forward(const Variable& x, const ForwardContext& context = {}) const {
    Variable y = x;
    for (const auto& step : steps_) y = step(y, context);
    return y;
  }

 private:
  std::vector<std::unique_ptr<Module>> layers_;
  std::vector<std::function<Variable(const Variable&, const ForwardContext&)>> steps_;
};

/// Layers of one type, named by their place ("0", "1", ...). The module that holds the list calls them as it
/// likes.
template <class Layer>
class ModuleList : public Module {
 public:
  /// Makes the next layer, Layer(args...).
  template <class... Args>
  Layer& add(Args&&... args) {
    Layer& layer = layers_.emplace_back(std::forward<Args>(args)...);
    register_module(std::to_string(layers_.size() - 1), layer);
    return layer;
  }

  std::size_t size() const { return layers_.size(); }
  bool empty() const { return layers_.empty(); }
  // An index without a layer is an error.
  Layer& back() { return layers_[place(size() - 1)]; }
  const Layer& back() const { return layers_[place(size() - 1)]; }
  Layer& operator[](std::size_t i) { return layers_[place(i)]; }
  const Layer& operator[](std::size_t i) const { return layers_[place(i)]; }
  auto begin() { return layers_.begin(); }
  auto end() { return layers_.end(); }
  auto begin() const { return layers_.begin(); }
  auto end() const { return layers_.end(); }

 private:
  std::size_t place(std::size_t i) const {
    if (empty()) fail_op("ModuleList", "it has no layers");
    if (i >= size()) fail_op("ModuleList", "layer {} is not in 0..{}", i, size() - 1);
    return i;
  }
  std::deque<Layer> layers_;  // a deque never moves its elements
};

}  // namespace lrurec::nn
