#include "exercise.h"
#include "tensor/dispatch.h"

namespace study {

using namespace lrurec;

/// y = 1 / (1 - x), f'(x) = 1 / (1 - x)^2 = y^2
Variable geometric(const Variable& input) {
  const Tensor x = input.value().contiguous();
  const Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_types<double, c128>("geometric", x.dtype(), [&]<class T>() {
    for (std::int64_t i = 0; i < x.numel(); ++i) y.data<T>()[i] = 1.0 / (1.0 - x.data<T>()[i]);
  });
  return record("geometric", {input}, y, [y](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), dx = Tensor::empty(y.shape(), y.dtype());
    dispatch_types<double, c128>("geometric", y.dtype(), [&]<class T>() {
      const T* value = y.data<T>();
      for (std::int64_t i = 0; i < y.numel(); ++i) {
        dx.data<T>()[i] = dy.data<T>()[i] * conjugate(value[i] * value[i]);
      }
    });
    return Tensors{dx};
  });
}

}  // namespace study
