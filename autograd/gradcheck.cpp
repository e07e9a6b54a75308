#include "autograd/gradcheck.h"

#include <cmath>
#include <cstring>

#include "tensor/error.h"
#include "tensor/random.h"

namespace lrurec {
namespace {

// A dense tensor of f64 or c128 as a flat list of doubles (real and imaginary parts interleaved).
double* doubles(const Tensor& t) {
  return is_complex(t.dtype()) ? reinterpret_cast<double*>(t.data<c128>()) : t.data<double>();
}
std::int64_t count_doubles(const Tensor& t) { return t.numel() * (is_complex(t.dtype()) ? 2 : 1); }

Tensor random_cotangent(const Tensor& output, std::uint64_t seed, std::uint64_t stream) {
  if (real_of(output.dtype()) != DType::f64) {
    fail_op("gradcheck", "outputs must be f64 or c128, not {}", name(output.dtype()));
  }
  if (output.device().is_cuda())
    fail_op("gradcheck", "outputs are on {}; move them to the CPU", output.device().str());
  Tensor c = Tensor::empty(output.shape(), output.dtype());
  const Philox random(seed, stream);
  for (std::int64_t i = 0; i < count_doubles(c); ++i)
    doubles(c)[i] = random.normal(static_cast<std::uint64_t>(i));
  return c;
}

// L = sum_k Re(conj(c_k) y_k): on interleaved parts this is a plain dot product.
double loss(const Variables& outputs, const Tensors& cotangents) {
  double total = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const Tensor y = outputs[k].value().contiguous();
    const double* yp = doubles(y);
    const double* cp = doubles(cotangents[k]);
    for (std::int64_t i = 0; i < count_doubles(y); ++i) total += cp[i] * yp[i];
  }
  return total;
}

std::vector<std::int64_t> unravel(std::int64_t flat, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (int d = shape.rank() - 1; d >= 0; --d) {
    index[static_cast<std::size_t>(d)] = flat % shape[d];
    flat /= shape[d];
  }
  return index;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  const Tensor x = a.contiguous();
  const Tensor y = b.contiguous();
  return std::memcmp(x.raw(), y.raw(), static_cast<std::size_t>(x.numel()) * size_of(x.dtype())) == 0;
}

/// While it lives, each input that requires a gradient has a dense value of its own: the caller's may be a
/// broadcast view whose entries share memory, and perturbing one of them would move several. The values come
/// back at the end.
class OwnValues {
 public:
  explicit OwnValues(const Variables& inputs) {
    for (const auto& input : inputs) {
      if (!input.requires_grad()) continue;
      if (real_of(input.dtype()) != DType::f64) {
        fail_op("gradcheck", "inputs must be f64 or c128, not {}: differences in {} are all rounding",
                name(input.dtype()), name(input.dtype()));
      }
      if (input.value().device().is_cuda()) {
        fail_op("gradcheck", "inputs are perturbed on the CPU; the function can move them to {}",
                input.value().device().str());
      }
      saved_.emplace_back(input, input.value());
    }
    for (auto& [variable, value] : saved_) variable.set_value(value.clone());
    clear_gradients();
  }
  ~OwnValues() {
    for (auto& [variable, value] : saved_) variable.set_value(value);
    clear_gradients();
  }
  OwnValues(const OwnValues&) = delete;
  OwnValues& operator=(const OwnValues&) = delete;

 private:
  void clear_gradients() {
    for (auto& [variable, value] : saved_) variable.zero_grad();
  }
  std::vector<std::pair<Variable, Tensor>> saved_;
};

}  // namespace

std::string GradcheckMismatch::str() const {
  return fmt::format("{}: input {}, index [{}], {} part: analytic {:.10g}, numeric {:.10g}", operation, input,
                     fmt::join(index, ", "), imaginary ? "imaginary" : "real", analytic, numeric);
}

std::string GradcheckReport::str(const std::string& operation) const {
  if (ok) return fmt::format("{}: ok, {} derivatives, largest error {:.1e}", operation, checked, max_error);
  std::string text = fmt::format("{}: {} of {} derivatives differ", operation, mismatches.size(), checked);
  if (!repeatable) text += "; two backward passes gave different bits";
  for (std::size_t i = 0; i < std::min<std::size_t>(mismatches.size(), 5); ++i)
    text += "\n  " + mismatches[i].str();
  return text;
}

GradcheckReport gradcheck(const std::string& operation,
                          const std::function<Variables(const Variables&)>& function, const Variables& inputs,
                          const GradcheckOptions& options) {
  const OwnValues own_values(inputs);
  Variables leaves = inputs;
  Variables outputs = function(leaves);
  Tensors cotangents;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    cotangents.push_back(random_cotangent(outputs[k].value(), options.seed, k));
  }

  GradcheckReport report;
  Tensors analytic;
  backward(outputs, cotangents, /*keep_graph=*/true);
  for (auto& x : leaves) {
    analytic.push_back(x.grad());
    x.zero_grad();
  }
  backward(outputs, cotangents);
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    report.repeatable = report.repeatable && same_bits(leaves[k].grad(), analytic[k]);
    leaves[k].zero_grad();
  }
  report.ok = report.repeatable;

  const NoGrad no_grad;
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    if (!leaves[k].requires_grad()) continue;
    const Tensor& value = leaves[k].value();
    const Tensor grad =
        analytic[k].defined() ? analytic[k].contiguous() : Tensor::zeros(value.shape(), value.dtype());
    const int parts = is_complex(value.dtype()) ? 2 : 1;
    for (std::int64_t i = 0; i < count_doubles(value); ++i) {
      double& x = doubles(value)[i];
      const double saved = x;
      const double eps = options.eps * std::max(1.0, std::abs(saved));
      x = saved + eps;
      const double above = loss(function(leaves), cotangents);
      x = saved - eps;
      const double below = loss(function(leaves), cotangents);
      x = saved;
      const double numeric = (above - below) / (2 * eps);
      const double error = std::abs(doubles(grad)[i] - numeric);
      ++report.checked;
      if (error <= options.atol + options.rtol * std::abs(numeric)) {
        report.max_error = std::max(report.max_error, error);
        continue;
      }
      report.ok = false;  // also when the error is NaN
      report.max_error = error;
      report.mismatches.push_back(
          {operation, k, unravel(i / parts, value.shape()), i % parts == 1, doubles(grad)[i], numeric});
    }
  }
  return report;
}

}  // namespace lrurec
