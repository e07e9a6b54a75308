#include "nn/optim/adam.h"

#include <algorithm>
#include <cmath>

#include "nn/optim/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::nn {

Adam::Adam(const std::vector<ParameterGroup>& groups, const AdamOptions& options, Decay decay)
    : Optimizer(groups, options.lr),
      options_(options),
      decay_(decay),
      exp_avg_(zero_state()),
      exp_avg_sq_(zero_state()) {
  const auto is_decay = [](double beta) { return beta >= 0 && beta < 1; };
  if (!is_decay(options.beta1) || !is_decay(options.beta2) || !(options.eps >= 0)) {
    fail(ErrorKind::internal, "adam: beta1 = {} and beta2 = {} must be in [0, 1), eps = {} not negative",
         options.beta1, options.beta2, options.eps);
  }
  if (options.gpu_pieces < 1) fail(ErrorKind::internal, "adam: gpu_pieces = {}", options.gpu_pieces);
}

void Adam::update(double gradient_scale, const Tensor& report) {
  const double n = static_cast<double>(steps());
  const double correction1 = 1 - std::pow(options_.beta1, n), correction2 = 1 - std::pow(options_.beta2, n);
  const auto fill = [&]<class T>(std::size_t k, kernels::ParameterView<T>& row) {
    row.first = exp_avg_[k].data<T>();
    row.second = exp_avg_sq_[k].data<T>();
    row.group.step_size = static_cast<T>(lr_of(k) / correction1);
    if (decay_ == Decay::decoupled) row.group.shrink = static_cast<T>(1 - lr_of(k) * weight_decay_of(k));
    if (decay_ == Decay::in_gradient) row.group.coupled = static_cast<T>(weight_decay_of(k));
  };
  on_device("adam", device(), [&](auto where) {
    for_each_table(parameters(), fill, [&]<class T>(const kernels::ParameterTable<T>& table) {
      const kernels::AdamStep<T> step{
          static_cast<T>(options_.beta1),     static_cast<T>(options_.beta2),
          static_cast<T>(options_.eps),       static_cast<T>(1 - options_.beta1),
          static_cast<T>(1 - options_.beta2), static_cast<T>(1 / std::sqrt(correction2))};
      kernels::adam(where, table, step, static_cast<T>(gradient_scale),
                    report.defined() ? report.data<double>() : nullptr, options_.gpu_pieces);
    });
  });
}

std::map<std::string, Tensor> Adam::state() const {
  auto all = named("exp_avg", exp_avg_);
  all.merge(named("exp_avg_sq", exp_avg_sq_));
  return all;
}

std::string Adam::problem(const std::string& name, const Tensor& value) const {
  if (!name.starts_with("exp_avg_sq.")) return {};
  std::string text;
  dispatch_real("adam", value.dtype(), [&]<class T>() {
    const T *first = value.data<T>(), *last = first + value.numel();
    const T* wrong = std::find_if_not(first, last, [](T x) { return x >= 0; });
    if (wrong == last) return;
    text = fmt::format("tensor '{}' has {} at entry {}: a mean of squares is not negative", name, *wrong,
                       wrong - first);
  });
  return text;
}

}  // namespace lrurec::nn
