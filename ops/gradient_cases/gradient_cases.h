#pragma once
// The gradient-check cases: every recorded operation has at least one. The test suite runs many checks over
// them, `lrurec check grad` the gradient checks. An operation that is recorded without a case fails the
// suite.

#include <functional>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/variable.h"

namespace lrurec::ops {

/// How the values of an input are drawn, so that derivatives exist and are well-conditioned.
enum class Values {
  normal,          ///< standard normal
  positive,        ///< 0.5 + |normal|
  away_from_zero,  ///< |x| >= 0.2: for kinks at 0
  distinct,        ///< spaced by 0.5, shuffled: for max and top-k
  unit_disk,       ///< modulus (real: absolute value) in 0.5..0.99
};

struct InputSpec {
  Shape shape;
  bool complex = false;
  Values values = Values::normal;
};

/// An operation on inputs of given shapes, and its function from inputs to outputs.
struct GradientCase {
  std::string operation;  ///< the name it is recorded under
  std::string variant;    ///< what is particular about this case
  std::vector<InputSpec> inputs;
  std::function<Variables(const Variables&)> function;
  bool exact_when_strided = true;  ///< false where products may round differently in another memory layout

  std::string name() const { return variant.empty() ? operation : operation + " (" + variant + ")"; }
};

const std::vector<GradientCase>& gradient_cases();

/// Inputs of a case with `real` = f64 or f32 parts (complex inputs get the complex counterpart), all
/// requiring a gradient. The same seed gives the same values in both precisions, up to rounding.
Variables make_inputs(const GradientCase& one, DType real, std::uint64_t seed = 1);

/// The case with everything between its inputs and its outputs on another device.
GradientCase moved_to(GradientCase one, Device device);

/// gradcheck of a case in f64 / c128; `entries` as in GradcheckOptions.
GradcheckReport check_gradients(const GradientCase& one, std::uint64_t seed = 1, std::int64_t entries = 0);

}  // namespace lrurec::ops
