// Exercise 9: the backward where every token has a lambda of its own.
//
//   h_0 = lambda_0 initial + x_0,   h_t = lambda_t h_{t-1} + x_t
//
// In a gated recurrence lambda_t is computed from token t, so each is owed a gradient of its own, and so is
// the state that one sequence begins with. One channel of one sequence, all complex. Given dh_t, the gradient
// of h_t as far as it comes from what uses h_t, return the gradients of all lambda_t, all x_t and of
// `initial` (gradients are dL/dRe + i dL/dIm, as in exercise 1).
//
// No equation is given. First write down what h_t goes into, and how a change of it reaches each.
//
// Check it: tools/study.sh check 9

#include "exercise.h"

namespace study {

Gradients backward(std::span<const Complex> lambda, std::span<const Complex> h, Complex initial,
                   std::span<const Complex> dh) {
  const std::size_t L = lambda.size();
  Gradients gradients{std::vector<Complex>(L), std::vector<Complex>(L), 0};
  // YOUR CODE: fill gradients.x, gradients.lambda and gradients.initial
  return gradients;
}

}  // namespace study
