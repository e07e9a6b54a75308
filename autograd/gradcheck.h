#pragma once
// gradcheck: is the backward of a function the derivative of its forward?

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace lrurec {

/// The step of the differences (above 0) and the tolerances (not negative), all finite. A derivative passes
/// when |analytic - numeric| <= atol + rtol * |numeric|.
struct GradcheckOptions {
  double eps = 1e-6;
  double atol = 1e-5;
  double rtol = 1e-3;
  std::uint64_t seed = 1;  ///< for the random cotangent and the draws of `entries`
  /// How many entries of an input are checked one by one, at most; 0 = every entry. They are drawn from all
  /// over the input, and both parts of a complex entry count. An input with more entries is also checked
  /// along one random direction. That shows an error in any entry, unless it is less than about rtol of the
  /// whole gradient's norm. For inputs of thousands of entries, or functions that take long.
  std::int64_t entries = 0;
};

/// One entry of one input whose analytic and numeric derivative differ.
struct GradcheckMismatch {
  std::string operation;
  std::size_t input = 0;
  std::vector<std::int64_t> index;
  bool imaginary = false;
  double analytic = 0;
  double numeric = 0;
  std::string str() const;
};

struct GradcheckReport {
  std::int64_t checked = 0;           ///< derivatives compared (two for a complex entry, one for a direction)
  double max_error = 0;               ///< largest |analytic - numeric|; infinite where either is not finite
  std::vector<std::string> problems;  ///< what else is wrong with the backward, a sentence each
  std::vector<GradcheckMismatch> mismatches;
  bool ok() const { return problems.empty() && mismatches.empty(); }
  explicit operator bool() const { return ok(); }
  /// "mul: ok, 24 derivatives, largest error 3.1e-10", or the problems and first mismatches, one a line.
  std::string str(const std::string& operation) const;
};

/// Compares backward() with central differences for every entry (see GradcheckOptions::entries) of every
/// input that requires a gradient. Such inputs must be leaves on the CPU, f64 or c128, each given once; the
/// outputs must be f64 or c128 on the CPU. Anything else is an error.
///
/// `function` maps the inputs to one or more outputs. They are reduced to one real number
/// L = sum_k Re(conj(c_k) . y_k) with random cotangents c, which do not hide errors in the backward as a
/// plain sum can. Real and imaginary parts are perturbed separately. Afterwards the inputs have their values
/// back, and no gradients.
///
/// The backward must also
///
/// - give the same bits a second time;
/// - give the same gradients for cotangents that lie transposed or stretched in memory, and zero for zero;
/// - give each input the same gradient where it alone needs one;
/// - write to no cotangent; where it does, only the differences are compared;
/// - double gradients that are there already in a second walk (by the operation's AddInto, where it has one);
/// - give gradients for one output at a time, the others unused, that add up to those for all.
///
/// The function must give the same outputs when it is called again, and where its inputs lie transposed. A
/// check in which no input requires a gradient, or a derivative is infinite or NaN, is not ok.
///
///   GradcheckReport r = gradcheck("my_op", [](const Variables& x) { return Variables{my_op(x[0])}; }, {x});
///   EXPECT_TRUE(r) << r.str("my_op");
GradcheckReport gradcheck(const std::string& operation,
                          const std::function<Variables(const Variables&)>& function, const Variables& inputs,
                          const GradcheckOptions& options = {});

}  // namespace lrurec
