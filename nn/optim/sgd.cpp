#include "nn/optim/sgd.h"

#include "nn/optim/kernels.h"

namespace lrurec::nn {

SGD::SGD(const std::vector<ParameterGroup>& groups, const SgdOptions& options)
    : Optimizer(groups, options.lr), options_(options), velocity_(zero_state()) {
  if (!(options.momentum >= 0 && options.momentum < 1)) {
    fail(ErrorKind::internal, "sgd: a momentum of {} must be in [0, 1)", options.momentum);
  }
}

void SGD::update(double gradient_scale, const Tensor& report) {
  const auto fill = [&]<class T>(std::size_t k, kernels::ParameterView<T>& row) {
    row.first = velocity_[k].data<T>();
    row.group.step_size = static_cast<T>(lr_of(k));
    row.group.coupled = static_cast<T>(weight_decay_of(k));
  };
  on_device("sgd", device(), [&](auto where) {
    for_each_table(parameters(), fill, [&]<class T>(const kernels::ParameterTable<T>& table) {
      kernels::sgd(where, table, kernels::SgdStep<T>{static_cast<T>(options_.momentum)},
                   static_cast<T>(gradient_scale), report.defined() ? report.data<double>() : nullptr);
    });
  });
}

std::map<std::string, Tensor> SGD::state() const { return named("velocity", velocity_); }

}  // namespace lrurec::nn
