#include "nn/optim/optimizer.h"

#include <cmath>

#include "tensor/dispatch.h"
#include "tensor/strided_loop.h"

namespace lrurec::nn {
namespace {

/// A dense parameter or gradient as real numbers.
Tensor parts(const Tensor& t) { return is_complex(t.dtype()) ? t.view_as_real() : t; }

/// State of the shape of a parameter's parts, zero.
Tensor state_like(const Variable& p) {
  const Tensor real_parts = parts(p.value());
  return Tensor::zeros(real_parts.shape(), real_parts.dtype(), real_parts.device());
}

std::map<std::string, Tensor> named(const char* prefix, const std::vector<NamedParameter>& parameters,
                                    const std::vector<Tensor>& tensors) {
  std::map<std::string, Tensor> result;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    result.emplace(std::string(prefix) + "." + parameters[i].name, tensors[i]);
  }
  return result;
}

/// f(i) for every element of a parameter, in parallel where it is worth it.
template <class F>
void for_each_element(std::int64_t n, F&& f) {
#pragma omp parallel for simd schedule(static) if (n > parallel_grain)
  for (std::int64_t i = 0; i < n; ++i) f(i);
}

double square_sum(const Tensor& gradient) {
  const Tensor g = parts(gradient.contiguous());
  double total = 0;
  dispatch_real("gradient_norm", g.dtype(), [&]<class T>() {
    const T* p = g.data<T>();
    // Fixed blocks: the same bits for any number of threads.
    constexpr std::int64_t block = 16384;
    const std::int64_t n = g.numel(), blocks = (n + block - 1) / block;
    std::vector<double> sums(static_cast<std::size_t>(blocks));
#pragma omp parallel for schedule(static) if (n > parallel_grain)
    for (std::int64_t b = 0; b < blocks; ++b) {
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = b * block; i < std::min(n, (b + 1) * block); ++i) {
        sum += static_cast<double>(p[i]) * static_cast<double>(p[i]);
      }
      sums[static_cast<std::size_t>(b)] = sum;
    }
    for (const double sum : sums) total += sum;
  });
  return total;
}

}  // namespace

std::int64_t first_non_finite(const Tensor& tensor) {
  if (!is_inexact(tensor.dtype())) return -1;
  const Tensor p = parts(tensor.contiguous());
  std::int64_t found = -1;
  dispatch_real("first_non_finite", p.dtype(), [&]<class T>() {
    for (std::int64_t i = 0; i < p.numel(); ++i) {
      if (!std::isfinite(p.data<T>()[i])) {
        found = is_complex(tensor.dtype()) ? i / 2 : i;
        return;
      }
    }
  });
  return found;
}

double gradient_norm(const std::vector<NamedParameter>& parameters) {
  double total = 0;
  for (const auto& p : parameters) {
    if (p.variable.grad().defined()) total += square_sum(p.variable.grad());
  }
  return std::sqrt(total);
}

double clip_gradient_norm(const std::vector<NamedParameter>& parameters, double max_norm) {
  const double norm = gradient_norm(parameters);
  if (!std::isfinite(norm)) {
    for (const auto& p : parameters) {
      if (!p.variable.grad().defined()) continue;
      if (const auto i = first_non_finite(p.variable.grad()); i >= 0) {
        fail(ErrorKind::non_finite, "the gradient of {} is not finite at entry {}", p.name, i);
      }
    }
    fail(ErrorKind::non_finite, "the gradient norm overflows");
  }
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (auto p : parameters) {
    if (!p.variable.grad().defined()) continue;
    // A gradient may share memory with another tensor of the graph: scale a copy.
    Tensor scaled = p.variable.grad().clone();
    const Tensor g = parts(scaled);
    dispatch_real("clip_gradient_norm", g.dtype(), [&]<class T>() {
      T* x = g.data<T>();
      const T scale = static_cast<T>(factor);
      for_each_element(g.numel(), [=](std::int64_t i) { x[i] *= scale; });
    });
    p.variable.set_grad(scaled);
  }
  return norm;
}

Adam::Adam(std::vector<NamedParameter> parameters, AdamOptions options, Decay decay)
    : Optimizer(std::move(parameters)), options_(std::move(options)), decay_(decay) {
  for (const auto& p : parameters_) {
    exp_avg_.push_back(state_like(p.variable));
    exp_avg_sq_.push_back(state_like(p.variable));
  }
}

void Adam::step() {
  ++steps_;
  const double n = static_cast<double>(steps_);
  const double correction1 = 1 - std::pow(options_.beta1, n), correction2 = 1 - std::pow(options_.beta2, n);
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const Variable& variable = parameters_[k].variable;
    if (!variable.grad().defined()) continue;
    const double decay = options_.decays(parameters_[k].name) ? options_.weight_decay : 0;
    const Tensor value = parts(variable.value()), gradient = parts(variable.grad().contiguous());
    dispatch_real("adam", value.dtype(), [&]<class T>() {
      T *p = value.data<T>(), *m = exp_avg_[k].data<T>(), *v = exp_avg_sq_[k].data<T>();
      const T* grad = gradient.data<T>();
      const T beta1 = static_cast<T>(options_.beta1), beta2 = static_cast<T>(options_.beta2);
      const T step_size = static_cast<T>(options_.lr / correction1);
      const T root = static_cast<T>(1 / std::sqrt(correction2)), eps = static_cast<T>(options_.eps);
      const T shrink = decay_ == Decay::decoupled ? static_cast<T>(1 - options_.lr * decay) : T(1);
      const T coupled = decay_ == Decay::in_gradient ? static_cast<T>(decay) : T(0);
      for_each_element(value.numel(), [=](std::int64_t i) {
        const T g = grad[i] + coupled * p[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        p[i] = p[i] * shrink - step_size * m[i] / (std::sqrt(v[i]) * root + eps);
      });
    });
  }
}

std::map<std::string, Tensor> Adam::state() const {
  auto all = named("exp_avg", parameters_, exp_avg_);
  all.merge(named("exp_avg_sq", parameters_, exp_avg_sq_));
  return all;
}

SGD::SGD(std::vector<NamedParameter> parameters, SgdOptions options)
    : Optimizer(std::move(parameters)), options_(options) {
  for (const auto& p : parameters_) velocity_.push_back(state_like(p.variable));
}

void SGD::step() {
  ++steps_;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const Variable& variable = parameters_[k].variable;
    if (!variable.grad().defined()) continue;
    const Tensor value = parts(variable.value()), gradient = parts(variable.grad().contiguous());
    dispatch_real("sgd", value.dtype(), [&]<class T>() {
      T *p = value.data<T>(), *velocity = velocity_[k].data<T>();
      const T* grad = gradient.data<T>();
      const T lr = static_cast<T>(options_.lr), momentum = static_cast<T>(options_.momentum);
      const T decay = static_cast<T>(options_.weight_decay);
      for_each_element(value.numel(), [=](std::int64_t i) {
        velocity[i] = momentum * velocity[i] + grad[i] + decay * p[i];
        p[i] -= lr * velocity[i];
      });
    });
  }
}

std::map<std::string, Tensor> SGD::state() const { return named("velocity", parameters_, velocity_); }

}  // namespace lrurec::nn
