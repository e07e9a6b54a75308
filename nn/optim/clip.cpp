#include "nn/optim/clip.h"

#include <algorithm>
#include <cmath>

#include "nn/optim/kernels.h"
#include "ops/ops.h"

namespace lrurec::nn {
namespace {

Device device_of(const std::vector<NamedParameter>& parameters) {
  return parameters.empty() ? Device{} : parameters.front().variable.value().device();
}

std::int64_t count_blocks(const std::vector<NamedParameter>& parameters) {
  std::int64_t blocks = 0;
  for_each_table(
      parameters, [](std::size_t, auto&) {}, [&](const auto& table) { blocks += table.blocks(); });
  return blocks;
}

}  // namespace

std::int64_t first_non_finite(const Tensor& tensor) {
  if (!is_inexact(tensor.dtype())) return -1;
  const Tensor p = parts(tensor.host().contiguous());
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

double gradient_norm(const std::vector<NamedParameter>& all) {
  const auto parameters = each_once(all);
  if (const Device device = device_of(parameters); device.is_cuda()) {
    const Tensor report = norm_on_gpu(parameters, 1, {}, Tensor::zeros({1}, DType::f64, device));
    return report.to_vector<double>()[kernels::report_norm];
  }
  std::vector<double> sums(static_cast<std::size_t>(count_blocks(parameters)));
  double* at = sums.data();
  for_each_table(
      parameters, [](std::size_t, auto&) {},
      [&](const auto& table) {
        kernels::sum_squares(Cpu{}, table, at);
        at += table.blocks();
      });
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

double clip_factor(double norm, double max_norm) { return std::min(1.0, max_norm / (norm + 1e-6)); }

double finite_gradient_norm(const std::vector<NamedParameter>& parameters) {
  const double norm = gradient_norm(parameters);
  if (std::isfinite(norm)) return norm;
  for (const auto& p : parameters) {
    if (!p.variable.grad().defined()) continue;
    if (const auto i = first_non_finite(p.variable.grad()); i >= 0) {
      fail(ErrorKind::non_finite, "the gradient of {} is not finite at entry {}", p.name, i);
    }
  }
  fail(ErrorKind::non_finite, "the gradient norm overflows");
}

double clip_gradient_norm(const std::vector<NamedParameter>& parameters, double max_norm) {
  if (!(max_norm > 0)) fail(ErrorKind::internal, "gradients cannot be cut at a norm of {}", max_norm);
  const double norm = finite_gradient_norm(parameters), factor = clip_factor(norm, max_norm);
  if (factor == 1) return norm;
  for (auto& p : each_once(parameters)) {
    const Tensor& gradient = p.variable.grad();
    if (!gradient.defined()) continue;
    p.variable.set_grad(
        ops::raw::mul(gradient, Tensor::full({}, factor, real_of(p.variable.dtype()), gradient.device())));
  }
  return norm;
}

Tensor norm_on_gpu(const std::vector<NamedParameter>& parameters, double max_norm, const Tensor& loss,
                   const Tensor& halted) {
  const Device device = halted.device();
  const Tensor report = Tensor::empty({kernels::report_size}, DType::f64, device);
  const std::int64_t blocks = count_blocks(parameters);
  const Tensor sums = Tensor::empty({blocks}, DType::f64, device),
               bad = Tensor::empty({blocks}, DType::i64, device);
  on_device("gradient_norm", device, [&]<class Where>(Where where) {
    if constexpr (std::is_same_v<Where, Cuda>) {
      std::int64_t at = 0;
      for_each_table(
          parameters, [](std::size_t, auto&) {},
          [&](const auto& table) {
            kernels::sum_squares(where, table, sums.data<double>() + at, bad.data<std::int64_t>() + at);
            at += table.blocks();
          });
      dispatch_real("gradient_norm", loss.defined() ? loss.dtype() : DType::f64, [&]<class L>() {
        kernels::finish_norm(where, blocks, static_cast<const double*>(sums.data<double>()),
                             static_cast<const std::int64_t*>(bad.data<std::int64_t>()), max_norm,
                             loss.defined() ? static_cast<const L*>(loss.data<L>()) : nullptr,
                             halted.data<double>(), report.data<double>());
      });
    }
  });
  return report;
}

ClippedStep::Values ClippedStep::read() const {
  if (!report_.defined()) return values_;
  const auto report = report_.to_vector<double>();
  Values values{report[kernels::report_loss], report[kernels::report_norm], {}};
  if (report[kernels::report_ok] != 0) return values;
  if (!std::isfinite(values.loss)) {
    values.problem = fmt::format("the loss is {}", values.loss);
  } else if (!std::isfinite(values.norm)) {
    const auto code = static_cast<std::int64_t>(report[kernels::report_bad_entry]);
    if (code < 0) {
      values.problem = "the gradient norm overflows";
    } else {
      const auto& p = parameters_[static_cast<std::size_t>(kernels::parameter_of_entry(code))];
      const std::int64_t part = kernels::entry_of_entry(code);
      values.problem = fmt::format("the gradient of {} is not finite at entry {}", p.name,
                                   is_complex(p.variable.dtype()) ? part / 2 : part);
    }
  } else {
    values.problem = "a step before it was not finite";
  }
  return values;
}

}  // namespace lrurec::nn
