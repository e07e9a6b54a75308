#include "ops/spectral_filter/spectral_filter.h"

#include <cmath>
#include <numbers>

#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/spectral_filter/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check(const Tensor& x, const Tensor& W) {
  const bool fits = x.rank() == 3 && W.rank() == 2 && x.size(1) > 0 && W.size(0) == x.size(1) / 2 + 1 &&
                    W.size(1) == x.size(2) && !is_complex(x.dtype()) && W.dtype() == complex_of(x.dtype());
  if (!fits) {
    fail_op("spectral_filter", "x: {} {} and W: {} {} must be real [S, L, C] and its complex [L / 2 + 1, C]",
            name(x.dtype()), x.shape().str(), name(W.dtype()), W.shape().str());
  }
}

/// run(where, arguments) on the tensors' device.
template <class F>
void dispatch(const Tensor& x, const Tensor& W, F&& run) {
  dispatch_real("spectral_filter", x.dtype(), [&]<class T>() {
    const KernelCall call("spectral_filter", x.device());
    const kernels::SpectralFilter<T> f{x.size(0), x.size(1), x.size(2), x.data<T>(),
                                       W.data<std::complex<T>>()};
    on_device("spectral_filter", x.device(), [&](auto where) { run.template operator()<T>(where, f); });
  });
}

}  // namespace

// dx = irfft(rfft(dy) * conj(W)),  dW_k = m_k / L sum conj(rfft(x)_k) rfft(dy)_k
Variable spectral_filter(const Variable& x, const Variable& W) {
  check(x.value(), W.value());
  const Tensor in = x.value().contiguous(), filter = W.value().contiguous();
  const Tensor y = Tensor::empty(in.shape(), in.dtype(), in.device());
  dispatch(in, filter, [&]<class T>(auto where, const kernels::SpectralFilter<T>& f) {
    kernels::spectral_filter_forward(where, f, y.data<T>());
  });
  return record("spectral_filter", {x, W}, y, [in, filter](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), dx = Tensor::empty(in.shape(), in.dtype(), in.device()),
                 dW = Tensor::empty(filter.shape(), filter.dtype(), filter.device());
    dispatch(in, filter, [&]<class T>(auto where, const kernels::SpectralFilter<T>& f) {
      kernels::spectral_filter_backward<T>(where, f, dy.data<T>(), dx.data<T>(), dW.data<std::complex<T>>());
    });
    return Tensors{dx, dW};
  });
}

// X = F x with F_kt = e^(-2 pi i k t / L), Z = X W, y = Re(B Z) with B_tk = m_k / L e^(2 pi i k t / L)
Variable spectral_filter_composed(const Variable& x, const Variable& W) {
  check(x.value(), W.value());
  const std::int64_t L = x.value().size(1), K = L / 2 + 1;
  std::vector<c128> forward, back;
  const auto root = [&](std::int64_t kt) {
    return std::polar(1.0, 2 * std::numbers::pi * static_cast<double>(kt % L) / static_cast<double>(L));
  };
  for (std::int64_t k = 0; k < K; ++k) {
    for (std::int64_t t = 0; t < L; ++t) forward.push_back(std::conj(root(k * t)));
  }
  for (std::int64_t t = 0; t < L; ++t) {
    for (std::int64_t k = 0; k < K; ++k) {
      const double times = k == 0 || 2 * k == L ? 1 : 2;
      back.push_back(times / static_cast<double>(L) * root(k * t));
    }
  }
  const auto constant = [&](const std::vector<c128>& values, const Shape& shape) {
    return Variable(Tensor::from(values, shape).to(W.dtype()).to(x.value().device()));
  };
  const Variable Z = matmul(constant(forward, {K, L}), x) * W;
  return real(matmul(constant(back, {L, K}), Z));
}

}  // namespace lrurec::ops
