#include "autograd/gradcheck.h"

#include <fmt/format.h>

#include <algorithm>
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
  // A key that nobody draws inputs from, so that a cotangent never equals an input.
  constexpr std::uint64_t own_streams = std::uint64_t{1} << 61U;
  const Philox random(seed ^ 0x9e3779b97f4a7c15U, own_streams + stream);
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

/// With a NaN among them every difference would pass.
void check_options(const GradcheckOptions& options) {
  const auto tolerance = [](double x) { return std::isfinite(x) && x >= 0; };
  if (!tolerance(options.atol) || !tolerance(options.rtol) || !tolerance(options.eps) || options.eps == 0) {
    fail_op("gradcheck",
            "eps = {}, atol = {}, rtol = {}: eps must be finite and above 0, the tolerances finite and not "
            "negative",
            options.eps, options.atol, options.rtol);
  }
}

/// While it lives, each input that requires a gradient has a dense value of its own. The caller's may be a
/// broadcast view, where perturbing one entry would move several. The caller's values come back at the end.
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
      if (!input.is_leaf()) {
        fail_op("gradcheck", "an input was made by an operation; inputs must be leaves");
      }
      const auto given = [&](const auto& one) { return one.second.raw() == input.value().raw(); };
      if (input.value().numel() > 0 && std::any_of(saved_.begin(), saved_.end(), given)) {
        fail_op("gradcheck", "one input is given twice; give each once, and repeat it in the function");
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
  if (ok()) return fmt::format("{}: ok, {} derivatives, largest error {:.1e}", operation, checked, max_error);
  std::string text = fmt::format("{}: {} of {} derivatives differ", operation, mismatches.size(), checked);
  for (const auto& problem : problems) text += "\n  " + problem;
  for (std::size_t i = 0; i < std::min<std::size_t>(mismatches.size(), 5); ++i)
    text += "\n  " + mismatches[i].str();
  return text;
}

namespace {

/// The largest |a - b| that exceeds the tolerance, 0 where none does; infinite for NaN. Undefined counts as
/// zeros.
double excess(const Tensor& a, const Tensor& b, const GradcheckOptions& options) {
  if (!a.defined() && !b.defined()) return 0;
  const Tensor& there = a.defined() ? a : b;
  const Tensor none = Tensor::zeros(there.shape(), there.dtype());
  const Tensor x = a.defined() ? a.contiguous() : none, y = b.defined() ? b.contiguous() : none;
  double most = 0;
  for (std::int64_t i = 0; i < count_doubles(x); ++i) {
    const double difference = std::abs(doubles(x)[i] - doubles(y)[i]);
    if (difference <= options.atol + options.rtol * std::abs(doubles(y)[i])) continue;
    most = std::isnan(difference) ? INFINITY : std::max(most, difference);
  }
  return most;
}

/// The same elements, with the dimensions in the opposite order in memory and gaps between the elements.
Tensor laid_out_otherwise(const Tensor& t) {
  std::vector<std::int64_t> reversed(t.shape().begin(), t.shape().end());
  std::reverse(reversed.begin(), reversed.end());
  if (reversed.empty()) return t.clone();
  reversed.back() *= 2;  // each element beside a gap
  Tensor view = Tensor::full(Shape(reversed), 1e30, t.dtype()).slice(-1, 0, reversed.back(), 2);
  for (int d = 0; d < t.rank() / 2; ++d) view = view.transpose(d, t.rank() - 1 - d);
  return view.copy_(t);
}

/// One number stretched over a shape, as the gradient of a sum is. Other numbers lie behind it in memory, to
/// expose a backward that takes it for dense.
Tensor stretched(const Tensor& like, double value) {
  Tensor memory = Tensor::full({std::max<std::int64_t>(like.numel(), 1)}, 1e30, like.dtype());
  const Tensor one = memory.slice(0, 0, 1);
  Tensor(one).fill_(value);
  return one.reshape({}).broadcast_to(like.shape());
}

/// a + b, where undefined stands for zeros.
Tensor sum(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() ? a : b;
  return a.clone().add_(b);
}

/// While it lives, leaves that require a gradient have the same values, laid out otherwise.
class OtherLayout {
 public:
  explicit OtherLayout(const Variables& leaves) {
    for (const auto& leaf : leaves) {
      if (!leaf.requires_grad()) continue;
      saved_.emplace_back(leaf, leaf.value());
      saved_.back().first.set_value(laid_out_otherwise(leaf.value()));
    }
  }
  ~OtherLayout() {
    for (auto& [variable, value] : saved_) variable.set_value(value);
  }
  OtherLayout(const OtherLayout&) = delete;
  OtherLayout& operator=(const OtherLayout&) = delete;

 private:
  std::vector<std::pair<Variable, Tensor>> saved_;
};

/// Checks of a function's gradients for a cotangent.
class BackwardCheck {
 public:
  using Function = std::function<Variables(const Variables&)>;
  BackwardCheck(const Function& function, const Variables& leaves, const GradcheckOptions& options,
                GradcheckReport& report)
      : function_(function), leaves_(leaves), options_(options), report_(report) {}

  /// Takes the gradients of all leaves and clears them. A backward that changes its cotangent is a problem. A
  /// copy from before then takes the cotangent's place, since its memory may belong to a returned gradient.
  Tensors gradients(const Variables& outputs, Tensors& cotangents, bool keep_graph = false) {
    Tensors before;
    for (const auto& c : cotangents) before.push_back(c.defined() ? c.clone() : c);
    backward(outputs, cotangents, keep_graph);
    for (std::size_t k = 0; k < cotangents.size(); ++k) {
      if (same_bits(cotangents[k], before[k])) continue;
      problem("backward writes to the gradient it was given of output {}; others hold it too", k);
      cotangents[k] = before[k];
    }
    Tensors found;
    for (Variable x : leaves_) {
      found.push_back(x.defined() ? x.grad() : Tensor());
      x.zero_grad();
    }
    return found;
  }

  void expect(const Tensors& found, const Tensors& wanted, const char* when) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (const double error = excess(found[i], wanted[i], options_); error > 0) {
        problem("the gradient of input {} is another (by up to {:.3g}) {}", i, error, when);
      }
    }
  }

  /// A second walk must add to the gradients of the first, by AddInto where the operation has one.
  void added(const Variables& outputs, Tensors& cotangents, const Tensors& wanted) {
    backward(outputs, cotangents, /*keep_graph=*/true);
    Tensors twice;
    for (const auto& w : wanted) twice.push_back(sum(w, w));
    expect(gradients(outputs, cotangents, /*keep_graph=*/true), twice,
           "than twice its own after a second walk that adds to it (AddInto)");
  }

  /// One of several outputs at a time, the others unused. A walk is linear in its cotangents, so the
  /// gradients must add up to those of all outputs together.
  void outputs_alone(const Variables& outputs, const Tensors& cotangents, const Tensors& wanted) {
    if (outputs.size() < 2) return;
    Tensors total(wanted.size());
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].requires_grad()) continue;
      Tensors only(outputs.size());
      only[k] = cotangents[k];
      try {
        const Tensors found = gradients(outputs, only, /*keep_graph=*/true);
        for (std::size_t i = 0; i < total.size(); ++i) total[i] = sum(total[i], found[i]);
      } catch (const Error& e) {
        problem("where only output {} has a gradient: {}", k, e.what());
        for (Variable x : leaves_) x.zero_grad();
        return;
      }
    }
    expect(total, wanted, "where each output has a gradient in a walk of its own");
  }

  /// Cotangents in every layout that a backward can meet: transposed, one number stretched, and zeros.
  void layouts(const Tensors& cotangents, const Tensors& wanted) {
    Tensors otherwise, wide, dense, nothing;
    for (const auto& c : cotangents) {
      otherwise.push_back(laid_out_otherwise(c));
      wide.push_back(stretched(c, 0.7));
      dense.push_back(wide.back().clone());
      nothing.push_back(Tensor::zeros(c.shape(), c.dtype()));
    }
    const auto once = [&](Tensors& given) { return gradients(function_(leaves_), given); };
    expect(once(otherwise), wanted, "where the output's gradient lies transposed in memory");
    expect(once(wide), once(dense),
           "where the output's gradient is one number stretched over its shape (as of a sum)");
    expect(once(nothing), Tensors(leaves_.size()), "than 0 where the output's gradient is 0");
  }

  /// The forward pass again: it must not differ from call to call, nor read inputs as dense that are not.
  void forward_again(const Variables& outputs, Tensors& cotangents, const Tensors& wanted) {
    const Variables again = function_(leaves_);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (same_bits(again[k].value(), outputs[k].value())) continue;
      problem("output {} is another when the function is called again; dropout needs a fixed seed and step",
              k);
      return;
    }
    const OtherLayout moved(leaves_);
    const Variables strided = function_(leaves_);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (const double error = excess(strided[k].value(), outputs[k].value(), options_); error > 0) {
        problem("output {} is another (by up to {:.3g}) where the inputs lie transposed in memory", k, error);
      }
    }
    expect(gradients(strided, cotangents), wanted, "where the inputs lie transposed in memory");
  }

  /// Each input that needs a gradient, as the only one that does.
  void alone(Tensors& cotangents, const Tensors& wanted) {
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      if (!leaves_[i].requires_grad()) continue;
      Variables inputs;
      for (const auto& x : leaves_) inputs.push_back(x.defined() ? x.detach() : x);
      inputs[i] = leaves_[i];
      const Variables outputs = function_(inputs);
      const bool reached =
          std::any_of(outputs.begin(), outputs.end(), [](const Variable& y) { return y.requires_grad(); });
      if (!reached && excess({}, wanted[i], options_) == 0) continue;  // an index, a length: no derivative
      if (!reached) {
        problem("input {} alone gets no gradient", i);
        continue;
      }
      // The other inputs are not checked: a function may use its parameters without taking them as arguments.
      if (const double error = excess(gradients(outputs, cotangents)[i], wanted[i], options_); error > 0) {
        problem("the gradient of input {} is another (by up to {:.3g}) where it alone needs one", i, error);
      }
    }
  }

 private:
  /// Each sentence once: a later pass may find the same.
  template <class... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    std::string text = fmt::format(format, std::forward<Args>(args)...);
    auto& all = report_.problems;
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(std::move(text));
  }

  const Function& function_;
  const Variables& leaves_;
  const GradcheckOptions& options_;
  GradcheckReport& report_;
};

/// Central differences of a leaf's entries against its analytic gradient.
class EntryCheck {
 public:
  using Function = BackwardCheck::Function;
  EntryCheck(const std::string& operation, const Function& function, const Variables& leaves,
             const Tensors& cotangents, const GradcheckOptions& options, GradcheckReport& report)
      : operation_(operation),
        function_(function),
        leaves_(leaves),
        cotangents_(cotangents),
        options_(options),
        report_(report) {}

  void leaf(std::size_t k, const Tensor& analytic) {
    const Tensor& value = leaves_[k].value();
    const Tensor grad =
        analytic.defined() ? analytic.contiguous() : Tensor::zeros(value.shape(), value.dtype());
    const std::int64_t all = count_doubles(value), most = options_.entries;
    const Philox random(options_.seed, (std::uint64_t{1} << 32) + k);
    if (most <= 0 || all <= most) {
      for (std::int64_t i = 0; i < all; ++i) entry(k, i, doubles(grad)[i]);
      return;
    }
    for (std::int64_t j = 0; j < most; ++j) {  // one from each of as many parts
      const std::int64_t first = all * j / most, end = all * (j + 1) / most;
      const auto within =
          random.below(static_cast<std::uint64_t>(j), static_cast<std::uint64_t>(end - first));
      const std::int64_t i = first + static_cast<std::int64_t>(within);
      entry(k, i, doubles(grad)[i]);
    }
    direction(k, grad, random);
  }

 private:
  double loss_now() const { return loss(function_(leaves_), cotangents_); }

  void entry(std::size_t k, std::int64_t i, double found) {
    const Tensor& value = leaves_[k].value();
    const int parts = is_complex(value.dtype()) ? 2 : 1;
    double& x = doubles(value)[i];
    const double saved = x;
    const double eps = options_.eps * std::max(1.0, std::abs(saved));
    x = saved + eps;
    const double above = loss_now();
    x = saved - eps;
    const double below = loss_now();
    x = saved;
    const double numeric = (above - below) / (2 * eps);
    if (differ(found, numeric, std::abs(numeric))) {
      report_.mismatches.push_back(
          {operation_, k, unravel(i / parts, value.shape()), i % parts == 1, found, numeric});
    }
  }

  /// The derivative along a direction u of normal numbers: sum_i g_i u_i. The terms cancel, so the tolerance
  /// is relative to the root of the sum of their squares.
  void direction(std::size_t k, const Tensor& grad, const Philox& random) {
    const Tensor& value = leaves_[k].value();
    const Tensor saved = value.clone();
    const auto move = [&](double by) {
      for (std::int64_t i = 0; i < count_doubles(value); ++i) {
        const auto draw = static_cast<std::uint64_t>(options_.entries + i);
        doubles(value)[i] = doubles(saved)[i] + by * random.normal(draw);
      }
      return loss_now();
    };
    const double above = move(options_.eps), below = move(-options_.eps);
    std::copy_n(doubles(saved), count_doubles(saved), doubles(value));
    double found = 0, squares = 0;
    for (std::int64_t i = 0; i < count_doubles(grad); ++i) {
      const double part = doubles(grad)[i] * random.normal(static_cast<std::uint64_t>(options_.entries + i));
      found += part;
      squares += part * part;
    }
    const double numeric = (above - below) / (2 * options_.eps);
    if (differ(found, numeric, std::sqrt(squares))) {
      report_.problems.push_back(fmt::format(
          "input {} along a random direction: analytic {:.10g}, numeric {:.10g}", k, found, numeric));
    }
  }

  /// Counts a derivative. True where it differs from the numeric one by more than the tolerance.
  bool differ(double found, double numeric, double size) {
    const double error =
        std::isfinite(numeric) && std::isfinite(found) ? std::abs(found - numeric) : INFINITY;
    ++report_.checked;
    report_.max_error = std::max(report_.max_error, error);
    return !std::isfinite(error) || error > options_.atol + options_.rtol * size;
  }

  const std::string& operation_;
  const Function& function_;
  const Variables& leaves_;
  const Tensors& cotangents_;
  const GradcheckOptions& options_;
  GradcheckReport& report_;
};

}  // namespace

GradcheckReport gradcheck(const std::string& operation,
                          const std::function<Variables(const Variables&)>& function, const Variables& inputs,
                          const GradcheckOptions& options) {
  if (!function) fail_op("gradcheck", "the function is empty");
  check_options(options);
  const OwnValues own_values(inputs);
  const Variables& leaves = inputs;
  GradcheckReport report;
  const bool any =
      std::any_of(leaves.begin(), leaves.end(), [](const Variable& x) { return x.requires_grad(); });
  if (!any) {
    report.problems.emplace_back("no input requires a gradient, so nothing was checked");
    return report;
  }
  const Variables outputs = function(leaves);
  Tensors cotangents;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    cotangents.push_back(random_cotangent(outputs[k].value(), options.seed, k));
  }
  BackwardCheck check(function, leaves, options, report);
  const Tensors analytic = check.gradients(outputs, cotangents, /*keep_graph=*/true);
  if (report.problems.empty()) {  // a backward that writes to its cotangent would do so in every pass
    const Tensors again = check.gradients(outputs, cotangents, /*keep_graph=*/true);
    if (!std::equal(again.begin(), again.end(), analytic.begin(), same_bits)) {
      report.problems.emplace_back(
          "two backward passes gave different bits: does the backward change what it holds?");
    } else {
      check.added(outputs, cotangents, analytic);
      check.outputs_alone(outputs, cotangents, analytic);
    }
    check.layouts(cotangents, analytic);
    check.forward_again(outputs, cotangents, analytic);
    check.alone(cotangents, analytic);
  }

  const NoGrad no_grad;
  EntryCheck entries(operation, function, leaves, cotangents, options, report);
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    if (leaves[k].requires_grad()) entries.leaf(k, analytic[k]);
  }
  return report;
}

}  // namespace lrurec
