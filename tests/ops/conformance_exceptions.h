#pragma once
// Where our results may differ from PyTorch's, and why. docs/conformance.md has the same table.

#include <string>
#include <vector>

namespace lrurec::test {

struct ConformanceException {
  std::vector<std::string> functions;
  std::string numbers;                ///< real or complex
  std::string part;                   ///< value or gradient
  std::vector<std::string> flavours;  ///< of the inputs: plain, extreme, nonfinite, empty
  std::vector<std::string> kinds;     ///< of disagreement()
  std::string reason;
};

inline const std::vector<ConformanceException>& conformance_exceptions() {
  using Names = std::vector<std::string>;
  const Names extreme{"extreme"}, nonfinite{"nonfinite"}, both{"extreme", "nonfinite"};
  const Names nan_here{"NaN here"}, nan_there{"NaN there"}, number{"number"}, denormal{"denormal"};
  static const std::vector<ConformanceException> table{
      {{"exp", "softmax", "softplus"},
       "real",
       "value",
       both,
       denormal,
       "the exponential of vectors is 0 where it would be denormal"},
      {{"exp", "logsumexp", "softmax", "softplus"}, "real", "gradient", both, denormal, "the same"},
      {{"abs"},
       "real",
       "gradient",
       nonfinite,
       nan_here,
       "a NaN makes its gradient NaN; the sign of NaN is 0 there"},
      {{"abs"},
       "complex",
       "gradient",
       both,
       nan_there,
       "z / \\|z\\| of an infinite z points where its infinite parts do, and of a denormal one is a number; "
       "there infinities meet"},
      {{"angle"},
       "complex",
       "gradient",
       both,
       {"NaN there", "number", "denormal"},
       "\\|z\\| divides twice; there its square overflows or vanishes"},
      {{"add", "number", "sub"},
       "complex",
       "value",
       nonfinite,
       nan_there,
       "there the second operand is multiplied by 1 + 0i first, and 0 times infinity is NaN"},
      {{"square"},
       "complex",
       "gradient",
       nonfinite,
       nan_there,
       "2z is z + z; there z is multiplied by 2 + 0i"},
      {{"square"},
       "complex",
       "value",
       both,
       nan_here,
       "parts whose squares are infinite leave infinity minus infinity; there one of the two is not rounded"},
      {{"div", "reciprocal"},
       "complex",
       "value",
       both,
       {"NaN here", "NaN there"},
       "a complex number divided by 0 has no direction and is NaN; where the quotient overflows, only the "
       "part that does "
       "is infinite"},
      {{"reciprocal"}, "complex", "value", both, {"infinite there"}, "the same"},
      {{"div", "log", "reciprocal", "sqrt"},
       "complex",
       "gradient",
       both,
       nan_here,
       "a complex pole has no direction"},
      {{"sqrt"},
       "complex",
       "gradient",
       nonfinite,
       nan_there,
       "the slope at infinity is 0; there 0 times infinity"},
      {{"pow"},
       "complex",
       "value",
       nonfinite,
       nan_here,
       "e^(b log a) of an exponent with a NaN is NaN; there e^-inf is 0 whatever its direction"},
      {{"pow"}, "complex", "gradient", nonfinite, nan_here, "the same"},
      {{"polar"},
       "real",
       "gradient",
       both,
       {"number", "NaN there"},
       "dr = Re(dz e^(-i theta)) also where r is negative or not finite; there the direction of z stands for "
       "e^(i theta), "
       "whose sign is wrong for a negative r, 0 for 0 and NaN beside infinities"},
      {{"polar"}, "real", "gradient", extreme, {"infinite there"}, "the same for a denormal r"},
      {{"clamp"},
       "real",
       "gradient",
       both,
       number,
       "dx = dy also at a bound itself; there it is 0, as PyTorch 2.15 has it"},
      {{"maximum", "minimum"},
       "real",
       "value",
       extreme,
       {"sign of zero"},
       "0 and -0 are equal, and either may be the larger"},
      {{"binary_cross_entropy_with_logits"},
       "real",
       "value",
       nonfinite,
       nan_there,
       "an infinite logit has an infinite loss; there infinities are subtracted"},
      {{"cross_entropy"},
       "real",
       "gradient",
       nonfinite,
       nan_there,
       "a row without a label has the gradient 0, whatever its logits are"},
      {{"logsumexp"},
       "real",
       "gradient",
       nonfinite,
       nan_there,
       "0 where all terms are minus infinity: no term is more than nothing"},
      {{"attention"},
       "real",
       "value",
       nonfinite,
       nan_here,
       "a row of scores with a NaN, or all of them minus infinity, is NaN; there it is taken for one that "
       "sees nothing, "
       "and is 0"},
      {{"attention"}, "real", "gradient", nonfinite, nan_here, "the same"},
      {{"attention"},
       "real",
       "gradient",
       extreme,
       number,
       "equal scores share their weight; there, in the fused kernel, weights are made again from the "
       "logarithm of their sum, which a huge score swallows, and each is 1"},
      {{"layer_norm"},
       "real",
       "gradient",
       both,
       nan_there,
       "of infinite or huge weights: the terms of dx are added in another order"},
      {{"var"},
       "real",
       "gradient",
       nonfinite,
       nan_here,
       "2 (x - mean) / n with a mean that is not finite, in other words; there some elements stay infinite"},
  };
  return table;
}

}  // namespace lrurec::test
