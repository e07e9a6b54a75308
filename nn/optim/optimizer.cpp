#include "nn/optim/optimizer.h"

#include <algorithm>
#include <cmath>

#include "nn/optim/kernels.h"
#include "ops/ops.h"
#include "tensor/dispatch.h"

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

/// Elements begin .. end-1 of tensor number `index` in a list.
struct Block {
  std::size_t index;
  std::int64_t begin, end;
};

/// All elements of some tensors in blocks of fixed size: one parallel loop over small and large ones
/// together, and sums by block have the same bits for any number of threads.
std::vector<Block> blocks_of(const std::vector<Tensor>& tensors) {
  constexpr std::int64_t size = 16384;
  std::vector<Block> blocks;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    if (!tensors[k].defined()) continue;
    const std::int64_t n = tensors[k].numel();
    for (std::int64_t i = 0; i < n; i += size) blocks.push_back({k, i, std::min(n, i + size)});
  }
  return blocks;
}

/// f(block) for all blocks, in parallel where it is worth it.
template <class F>
void for_each(const std::vector<Block>& blocks, F&& f) {
#pragma omp parallel for schedule(static) if (blocks.size() > 2)
  for (std::size_t b = 0; b < blocks.size(); ++b) f(blocks[b], b);
}

/// Dense gradients as real numbers; undefined where a parameter has none.
std::vector<Tensor> gradients_of(const std::vector<NamedParameter>& parameters) {
  std::vector<Tensor> gradients;
  for (const auto& p : parameters) {
    const Tensor& g = p.variable.grad();
    gradients.push_back(g.defined() ? parts(g.contiguous()) : Tensor());
  }
  return gradients;
}

Device device_of(const std::vector<NamedParameter>& parameters) {
  return parameters.empty() ? Device{} : parameters.front().variable.value().device();
}

/// f(Cuda) where there are kernels for it.
template <class F>
void on_gpu(const char* op, Device device, F&& f) {
  on_device(op, device, [&]<class Where>(Where where) {
    if constexpr (std::is_same_v<Where, Cuda>) f(where);
  });
}

/// Gradients of one dtype by tables; `fill` completes a row with what else the kernel reads. Parameters
/// without a gradient are left out.
template <class T, class Fill>
std::vector<kernels::ParameterTable<T>> tables_of(const std::vector<Tensor>& gradients, Fill&& fill) {
  std::vector<kernels::ParameterTable<T>> tables;
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    if (!gradients[k].defined() || gradients[k].dtype() != dtype_of<T> || gradients[k].numel() == 0) continue;
    if (tables.empty() || tables.back().count == kernels::ParameterTable<T>::most) tables.emplace_back();
    kernels::ParameterView<T> row;
    row.gradient = gradients[k].data<T>();
    row.n = gradients[k].numel();
    row.index = static_cast<std::int64_t>(k);
    fill(k, row);
    tables.back().add(row);
  }
  return tables;
}

/// f(table) for all tables of f32 and f64 parameters.
template <class Fill, class F>
void for_each_table(const std::vector<Tensor>& gradients, Fill&& fill, F&& f) {
  for (const auto& table : tables_of<float>(gradients, fill)) f(table);
  for (const auto& table : tables_of<double>(gradients, fill)) f(table);
}

/// Norm, clip factor and whether they may be used, as kernels::Report on the GPU.
Tensor norm_on_gpu(Device device, const std::vector<Tensor>& gradients, double max_norm, const Tensor& loss,
                   const Tensor& halted) {
  const Tensor report = Tensor::empty({kernels::report_size}, DType::f64, device);
  const auto nothing = [](std::size_t, auto&) {};
  std::int64_t blocks = 0;
  for_each_table(gradients, nothing, [&](const auto& table) { blocks += table.blocks(); });
  const Tensor sums = Tensor::empty({blocks}, DType::f64, device),
               bad = Tensor::empty({blocks}, DType::i64, device);
  on_gpu("gradient_norm", device, [&](auto where) {
    std::int64_t at = 0;
    for_each_table(gradients, nothing, [&](const auto& table) {
      kernels::sum_squares(where, table, sums.data<double>() + at, bad.data<std::int64_t>() + at);
      at += table.blocks();
    });
    dispatch_real("gradient_norm", loss.defined() ? loss.dtype() : DType::f64, [&]<class L>() {
      kernels::finish_norm(where, blocks, static_cast<const double*>(sums.data<double>()),
                           static_cast<const std::int64_t*>(bad.data<std::int64_t>()), max_norm,
                           loss.defined() ? static_cast<const L*>(loss.data<L>()) : nullptr,
                           halted.data<double>(), report.data<double>());
    });
  });
  return report;
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

double gradient_norm(const std::vector<NamedParameter>& parameters) {
  const std::vector<Tensor> gradients = gradients_of(parameters);
  if (const Device device = device_of(parameters); device.is_cuda()) {
    const Tensor report = norm_on_gpu(device, gradients, 1, {}, Tensor::zeros({1}, DType::f64, device));
    return report.to_vector<double>()[kernels::report_norm];
  }
  const std::vector<Block> blocks = blocks_of(gradients);
  std::vector<double> sums(blocks.size());
  for_each(blocks, [&](const Block& block, std::size_t b) {
    const Tensor& g = gradients[block.index];
    dispatch_real("gradient_norm", g.dtype(), [&]<class T>() {
      const T* p = g.data<T>();
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = block.begin; i < block.end; ++i) {
        sum += static_cast<double>(p[i]) * static_cast<double>(p[i]);
      }
      sums[b] = sum;
    });
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
  const double norm = finite_gradient_norm(parameters), factor = clip_factor(norm, max_norm);
  if (factor == 1) return norm;
  for (auto p : parameters) {
    if (!p.variable.grad().defined()) continue;
    // A gradient may share memory with another tensor of the graph: scale a copy.
    if (p.variable.grad().device().is_cuda()) {
      const DType real = real_of(p.variable.dtype());
      p.variable.set_grad(
          ops::raw::mul(p.variable.grad(), Tensor::full({}, factor, real, p.variable.grad().device())));
      continue;
    }
    Tensor scaled = p.variable.grad().clone();
    const Tensor g = parts(scaled);
    dispatch_real("clip_gradient_norm", g.dtype(), [&]<class T>() {
      T* x = g.data<T>();
      const T scale = static_cast<T>(factor);
      for_each(blocks_of({g}), [=](const Block& block, std::size_t) {
        for (std::int64_t i = block.begin; i < block.end; ++i) x[i] *= scale;
      });
    });
    p.variable.set_grad(scaled);
  }
  return norm;
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

Optimizer::Optimizer(std::vector<NamedParameter> parameters)
    : parameters_(std::move(parameters)), device_(device_of(parameters_)) {
  for (const auto& p : parameters_) {
    if (p.variable.value().is_contiguous()) continue;
    fail(ErrorKind::internal, "optimizer: parameter {} is a strided view: give it memory of its own (clone)",
         p.name);
  }
}

void Optimizer::step(double gradient_scale) {
  ++steps_;
  update(gradient_scale, {});
}

ClippedStep Optimizer::clip_and_step(double max_norm, const Tensor& loss) {
  ClippedStep result;
  if (!device_.is_cuda()) {
    if (loss.defined()) result.values_.loss = loss.to(DType::f64).item<double>();
    if (!std::isfinite(result.values_.loss)) {
      fail(ErrorKind::non_finite, "the loss is {}", result.values_.loss);
    }
    result.values_.norm = finite_gradient_norm(parameters_);
    step(clip_factor(result.values_.norm, max_norm));
    return result;
  }
  if (!halted_.defined()) halted_ = Tensor::zeros({1}, DType::f64, device_);
  result.parameters_ = parameters_;
  result.report_ = norm_on_gpu(device_, gradients_of(parameters_), max_norm, loss, halted_);
  ++steps_;
  update(1, result.report_);
  return result;
}

Adam::Adam(std::vector<NamedParameter> parameters, AdamOptions options, Decay decay)
    : Optimizer(std::move(parameters)), options_(std::move(options)), decay_(decay) {
  for (const auto& p : parameters_) {
    exp_avg_.push_back(state_like(p.variable));
    exp_avg_sq_.push_back(state_like(p.variable));
  }
}

void Adam::update(double gradient_scale, const Tensor& report) {
  const double n = static_cast<double>(steps_);
  const double correction1 = 1 - std::pow(options_.beta1, n), correction2 = 1 - std::pow(options_.beta2, n);
  const std::vector<Tensor> gradients = gradients_of(parameters_);
  std::vector<Tensor> values;
  std::vector<double> decay;
  for (const auto& p : parameters_) {
    values.push_back(parts(p.variable.value()));
    decay.push_back(options_.decays(p.name) ? options_.weight_decay : 0);
  }
  if (device_.is_cuda()) {
    const auto fill = [&]<class T>(std::size_t k, kernels::ParameterView<T>& row) {
      row.value = values[k].data<T>();
      row.first = exp_avg_[k].data<T>();
      row.second = exp_avg_sq_[k].data<T>();
      if (decay_ == Decay::decoupled) row.shrink = static_cast<T>(1 - options_.lr * decay[k]);
      if (decay_ == Decay::in_gradient) row.coupled = static_cast<T>(decay[k]);
    };
    on_gpu("adam", device_, [&](auto where) {
      for_each_table(gradients, fill, [&]<class T>(const kernels::ParameterTable<T>& table) {
        const kernels::AdamStep<T> numbers{static_cast<T>(gradient_scale),
                                           static_cast<T>(options_.beta1),
                                           static_cast<T>(options_.beta2),
                                           static_cast<T>(options_.lr / correction1),
                                           static_cast<T>(1 / std::sqrt(correction2)),
                                           static_cast<T>(options_.eps)};
        kernels::adam(where, table, numbers, report.defined() ? report.data<double>() : nullptr);
      });
    });
    return;
  }
  for_each(blocks_of(gradients), [&](const Block& block, std::size_t) {
    const std::size_t k = block.index;
    dispatch_real("adam", values[k].dtype(), [&]<class T>() {
      T *p = values[k].data<T>(), *m = exp_avg_[k].data<T>(), *v = exp_avg_sq_[k].data<T>();
      const T* grad = gradients[k].data<T>();
      const T scale = static_cast<T>(gradient_scale);
      const T beta1 = static_cast<T>(options_.beta1), beta2 = static_cast<T>(options_.beta2);
      const T step_size = static_cast<T>(options_.lr / correction1);
      const T root = static_cast<T>(1 / std::sqrt(correction2)), eps = static_cast<T>(options_.eps);
      const T shrink = decay_ == Decay::decoupled ? static_cast<T>(1 - options_.lr * decay[k]) : T(1);
      const T coupled = decay_ == Decay::in_gradient ? static_cast<T>(decay[k]) : T(0);
#pragma omp simd
      for (std::int64_t i = block.begin; i < block.end; ++i) {
        const T g = grad[i] * scale + coupled * p[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        p[i] = p[i] * shrink - step_size * m[i] / (std::sqrt(v[i]) * root + eps);
      }
    });
  });
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

void SGD::update(double gradient_scale, const Tensor& report) {
  const std::vector<Tensor> gradients = gradients_of(parameters_);
  if (device_.is_cuda()) {
    const auto fill = [&]<class T>(std::size_t k, kernels::ParameterView<T>& row) {
      row.value = parts(parameters_[k].variable.value()).template data<T>();
      row.first = velocity_[k].data<T>();
      row.coupled = static_cast<T>(options_.weight_decay);
    };
    on_gpu("sgd", device_, [&](auto where) {
      for_each_table(gradients, fill, [&]<class T>(const kernels::ParameterTable<T>& table) {
        const kernels::SgdStep<T> numbers{static_cast<T>(gradient_scale), static_cast<T>(options_.lr),
                                          static_cast<T>(options_.momentum)};
        kernels::sgd(where, table, numbers, report.defined() ? report.data<double>() : nullptr);
      });
    });
    return;
  }
  for_each(blocks_of(gradients), [&](const Block& block, std::size_t) {
    const std::size_t k = block.index;
    const Tensor value = parts(parameters_[k].variable.value());
    dispatch_real("sgd", value.dtype(), [&]<class T>() {
      T *p = value.data<T>(), *velocity = velocity_[k].data<T>();
      const T* grad = gradients[k].data<T>();
      const T scale = static_cast<T>(gradient_scale);
      const T lr = static_cast<T>(options_.lr), momentum = static_cast<T>(options_.momentum);
      const T decay = static_cast<T>(options_.weight_decay);
#pragma omp simd
      for (std::int64_t i = block.begin; i < block.end; ++i) {
        velocity[i] = momentum * velocity[i] + grad[i] * scale + decay * p[i];
        p[i] -= lr * velocity[i];
      }
    });
  });
}

std::map<std::string, Tensor> SGD::state() const { return named("velocity", parameters_, velocity_); }

}  // namespace lrurec::nn
