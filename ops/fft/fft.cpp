// All four operations are one complex transform. rfft keeps half of its result. irfft and the backward of
// rfft take the real part of the transform of a half: y_t = Re sum_{k <= n/2} z_k e^(2 pi i k t / n).

#include "ops/fft/fft.h"

#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/fft/kernels.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

using kernels::Exponent;

std::int64_t places(std::string_view op, const Tensor& x) {
  if (x.rank() < 1 || x.size(-1) == 0) {
    fail_op(op, "x: {} must have a last dimension of at least one place", x.shape().str());
  }
  return x.size(-1);
}

/// y_k = scale sum_t x_t e^(-+ 2 pi i k t / n); x real or complex, y complex.
Tensor transform(std::string_view op, const Tensor& x, Exponent sign, double scale) {
  const std::int64_t n = places(op, x);
  dispatch_inexact(op, x.dtype(), []<class T>() {});
  const Tensor z = raw::to_complex(x).contiguous();
  const Tensor y = Tensor::empty(z.shape(), z.dtype(), z.device());
  dispatch_real(op, real_of(z.dtype()), [&]<class T>() {
    on_device(op, z.device(), [&](auto where) {
      kernels::fourier(
          where,
          kernels::Fourier<T>{z.numel() / n, n, sign, static_cast<T>(scale), z.data<std::complex<T>>()},
          y.data<std::complex<T>>());
    });
  });
  return y;
}

/// Values 0 .. n/2 of the transform of a real x.
Tensor half_transform(std::string_view op, const Tensor& x) {
  const std::int64_t n = places(op, x);
  return transform(op, x, Exponent::negative, 1).slice(-1, 0, n / 2 + 1).contiguous();
}

/// Re sum_{k <= n/2} z_k e^(2 pi i k t / n)
Tensor real_sum(std::string_view op, const Tensor& z, std::int64_t n) {
  Shape rest = z.shape();
  rest[rest.rank() - 1] = n - z.size(-1);
  const Tensor whole = raw::concat({z, Tensor::zeros(rest, z.dtype(), z.device())}, -1);
  return raw::real(transform(op, whole, Exponent::positive, 1)).contiguous();
}

/// m_k / n for k = 0 .. n/2: the weight of each value in irfft.
Tensor shares(std::int64_t n, DType dtype, Device device) {
  std::vector<double> m;
  for (std::int64_t k = 0; k <= n / 2; ++k) {
    m.push_back((k == 0 || 2 * k == n ? 1.0 : 2.0) / static_cast<double>(n));
  }
  return Tensor::from(m).to(dtype).to(device);
}

/// The length of the result of irfft: n, or the default.
std::int64_t inverse_places(const Tensor& x, std::int64_t n) {
  const std::int64_t half = places("irfft", x), wanted = n == 0 ? 2 * (half - 1) : n;
  if (is_complex(x.dtype()) && wanted == 0) {
    fail_op("irfft", "x: {} {} has one value: say n = 1, since the even number that goes without saying is 0",
            name(x.dtype()), x.shape().str());
  }
  if (!is_complex(x.dtype()) || wanted < 1 || wanted / 2 + 1 != half) {
    fail_op("irfft", "x: {} {} must be complex [..., n / 2 + 1] for n = {}", name(x.dtype()), x.shape().str(),
            wanted);
  }
  return wanted;
}

void check_real(const Tensor& x) {
  if (is_complex(x.dtype())) fail_op("rfft", "x: {} must be real; fft takes complex ones", name(x.dtype()));
}

/// A gradient as x has it: its real part where x is real.
Tensor as_input(const Tensor& grad, DType dtype) {
  return is_complex(dtype) ? grad : raw::real(grad).contiguous();
}

}  // namespace

Tensor raw::fft(const Tensor& x) { return transform("fft", x, Exponent::negative, 1); }
Tensor raw::ifft(const Tensor& x) {
  return transform("ifft", x, Exponent::positive, 1.0 / static_cast<double>(places("ifft", x)));
}
Tensor raw::rfft(const Tensor& x) {
  check_real(x);
  return half_transform("rfft", x);
}
Tensor raw::irfft(const Tensor& x, std::int64_t n) {
  const std::int64_t wanted = inverse_places(x, n);
  const Tensor z = x.clone();
  // These imaginary parts cancel in the sum, but their rounding errors would not.
  const Tensor imaginary = z.imag_part();
  imaginary.select(-1, 0).fill_(0);
  if (wanted % 2 == 0) imaginary.select(-1, wanted / 2).fill_(0);
  return real_sum("irfft", raw::mul(z, shares(wanted, real_of(x.dtype()), x.device())), wanted);
}

// dx_t = sum_k dy_k e^(2 pi i k t / n)
Variable fft(const Variable& x) {
  return record("fft", {x}, raw::fft(x.value()), [dtype = x.dtype()](const Tensor& dy, const Needs&) {
    return Tensors{as_input(transform("fft", dy, Exponent::positive, 1), dtype)};
  });
}

// dx_k = 1/n sum_t dy_t e^(-2 pi i k t / n)
Variable ifft(const Variable& x) {
  return record("ifft", {x}, raw::ifft(x.value()), [dtype = x.dtype()](const Tensor& dy, const Needs&) {
    const double scale = 1.0 / static_cast<double>(dy.size(-1));
    return Tensors{as_input(transform("ifft", dy, Exponent::negative, scale), dtype)};
  });
}

// dx_t = Re sum_{k <= n/2} dy_k e^(2 pi i k t / n)
Variable rfft(const Variable& x) {
  const Tensor y = raw::rfft(x.value());  // first of all: it checks x
  return record("rfft", {x}, y, [n = x.size(-1)](const Tensor& dy, const Needs&) {
    return Tensors{real_sum("rfft", dy, n)};
  });
}

// dx_k = m_k / n sum_t dy_t e^(-2 pi i k t / n)
Variable irfft(const Variable& x, std::int64_t n) {
  return record("irfft", {x}, raw::irfft(x.value(), n), [](const Tensor& dy, const Needs&) {
    const Tensor dx = half_transform("irfft", dy);
    return Tensors{raw::mul(dx, shares(dy.size(-1), dy.dtype(), dy.device()))};
  });
}

}  // namespace lrurec::ops
