// Exercise 6: a new elementwise operation, with its gradient, for f64 and c128.
//
//   y = 1 / (1 - x)
//
// the sum of the geometric series 1 + x + x^2 + ...; with x = lambda it is what a constant input of 1 brings
// the linear recurrence to. Write its forward and its backward in the way of `square`, which is complete. For
// a holomorphic f the rule is dx = dy conj(f'(x)); conjugate() does nothing to real numbers.
//
// Check it: tools/study.sh check 6

#include "exercise.h"

#include "tensor/dispatch.h"

namespace study {

using namespace lrurec;

/// y = x^2, f'(x) = 2 x
Variable square(const Variable& input) {
  const Tensor x = input.value().contiguous();  // dense, whatever view it was
  const Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_types<double, c128>("square", x.dtype(), [&]<class T>() {
    const T* from = x.data<T>();
    for (std::int64_t i = 0; i < x.numel(); ++i) y.data<T>()[i] = from[i] * from[i];
  });
  // The backward keeps Tensors, never Variables: a Variable would keep the graph alive that it is part of.
  return record("square", {input}, y, [x](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), dx = Tensor::empty(x.shape(), x.dtype());
    dispatch_types<double, c128>("square", x.dtype(), [&]<class T>() {
      for (std::int64_t i = 0; i < x.numel(); ++i) {
        dx.data<T>()[i] = dy.data<T>()[i] * conjugate(2.0 * x.data<T>()[i]);
      }
    });
    return Tensors{dx};
  });
}

Variable geometric(const Variable& input) {
  // YOUR CODE: y = 1 / (1 - x), recorded with its backward
  return input;
}

}  // namespace study
