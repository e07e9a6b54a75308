#pragma once
// gradcheck: is the backward of a function the derivative of its forward?

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace lrurec {

/// Step (above 0) and tolerances (not negative) for f64 / c128 inputs, all finite. A difference passes when
/// |analytic - numeric| <= atol + rtol * |numeric|.
struct GradcheckOptions {
  double eps = 1e-6;
  double atol = 1e-5;
  double rtol = 1e-3;
  std::uint64_t seed = 1;  ///< of the random cotangent, and of what `entries` draws
  /// At most so many entries of an input (parts of complex ones count twice) have a difference of their own,
  /// drawn from all parts of it; 0 = every entry. An input with more is checked along one random direction
  /// besides: an error in any entry shows there, unless it is less than about rtol of the whole gradient's
  /// norm. For inputs of thousands of entries, or functions that take long.
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
  double max_error = 0;               ///< largest |analytic - numeric|; infinite where one is no number
  std::vector<std::string> problems;  ///< what else is wrong with the backward, a sentence each
  std::vector<GradcheckMismatch> mismatches;
  bool ok() const { return problems.empty() && mismatches.empty(); }
  explicit operator bool() const { return ok(); }
  /// "mul: ok, 24 derivatives, largest error 3.1e-10", or the problems and first mismatches, one a line.
  std::string str(const std::string& operation) const;
};

/// Compares backward() with central differences for every entry (see GradcheckOptions::entries) of every
/// input that requires a gradient.
///
/// `function` maps the inputs to one or more outputs, real or complex. They are reduced to one real number
/// L = sum_k Re(conj(c_k) . y_k) with a random complex cotangent c, which no error in the backward can hide
/// behind, unlike a plain sum. Real and imaginary parts are perturbed separately. Inputs that require a
/// gradient must be f64 or c128. The inputs' values are restored and their gradients cleared.
///
/// Beside that, the backward must give the same bits a second time, the same for cotangents that lie
/// transposed or stretched in memory, zero for zero, and for each input the same where it alone needs a
/// gradient; it must not write to a cotangent, and one that does is walked no second time. A walk that finds
/// its gradients there already must double them (by the operation's AddInto, where it has one), and walks
/// from one output at a time, the others unused, must add up to that from all. The function must give the
/// same when it is called again, and where its inputs lie transposed. A check of inputs of which none
/// requires a gradient, or a derivative that is infinite or NaN, is not ok.
///
///   GradcheckReport r = gradcheck("my_op", [](const Variables& x) { return Variables{my_op(x[0])}; }, {x});
///   EXPECT_TRUE(r) << r.str("my_op");
GradcheckReport gradcheck(const std::string& operation,
                          const std::function<Variables(const Variables&)>& function, const Variables& inputs,
                          const GradcheckOptions& options = {});

}  // namespace lrurec
