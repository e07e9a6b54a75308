#include "ops/complex/complex.h"

#include "ops/complex/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check_pair(std::string_view op, const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype() || !is_real(a.dtype())) {
    fail_op(op, "two real tensors of one shape are needed, not {} {} and {} {}", name(a.dtype()),
            a.shape().str(), name(b.dtype()), b.shape().str());
  }
}

}  // namespace

Tensor raw::complex(const Tensor& re, const Tensor& im) {
  check_pair("complex", re, im);
  Tensor z = Tensor::empty(re.shape(), complex_of(re.dtype()), re.device());
  z.real_part().copy_(re);
  z.imag_part().copy_(im);
  return z;
}

// dre = Re(dz), dim = Im(dz)
Variable complex(const Variable& re, const Variable& im) {
  return record("complex", {re, im}, raw::complex(re.value(), im.value()),
                [](const Tensor& dz, const Needs&) {
                  return Tensors{dz.real_part(), dz.imag_part()};
                });
}

Tensor raw::polar(const Tensor& r, const Tensor& theta) {
  check_pair("polar", r, theta);
  return raw::complex(raw::mul(r, raw::cos(theta)), raw::mul(r, raw::sin(theta)));
}

// z = r e^{i theta}. With w = dz conj(e^{i theta}): dr = Re(w), dtheta = Re(dz conj(i z)) = r Im(w)
Variable polar(const Variable& r, const Variable& theta) {
  const Tensor z = raw::polar(r.value(), theta.value());
  return record("polar", {r, theta}, z,
                [r = r.value(), theta = theta.value()](const Tensor& dz, const Needs&) {
                  const Tensor w = raw::mul(dz, raw::conj(raw::complex(raw::cos(theta), raw::sin(theta))));
                  return Tensors{raw::real(w), raw::mul(r, raw::imag(w))};
                });
}

Tensor raw::to_complex(const Tensor& x) { return x.to(complex_of(x.dtype())); }

// dx = Re(dz)
Variable to_complex(const Variable& x) {
  if (is_complex(x.dtype())) return x;
  return record("to_complex", {x}, raw::to_complex(x.value()),
                [](const Tensor& dz, const Needs&) { return Tensors{dz.real_part()}; });
}

Tensor raw::real(const Tensor& z) { return is_complex(z.dtype()) ? z.real_part() : z; }

// dz = dy + 0i
Variable real(const Variable& z) {
  if (!is_complex(z.dtype())) return z;
  return record("real", {z}, raw::real(z.value()),
                [](const Tensor& dy, const Needs&) { return Tensors{raw::to_complex(dy)}; });
}

Tensor raw::imag(const Tensor& z) {
  if (!is_complex(z.dtype())) fail_op("imag", "dtype {} is not complex", name(z.dtype()));
  return z.imag_part();
}

// dz = 0 + i dy
Variable imag(const Variable& z) {
  return record("imag", {z}, raw::imag(z.value()), [](const Tensor& dy, const Needs&) {
    Tensor dz = Tensor::zeros(dy.shape(), complex_of(dy.dtype()), dy.device());
    dz.imag_part().copy_(dy);
    return Tensors{dz};
  });
}

Tensor raw::conj(const Tensor& z) {
  if (!is_complex(z.dtype())) return z;
  return raw::complex(z.real_part(), raw::neg(z.imag_part()));
}

// dz = conj(dy)
Variable conj(const Variable& z) {
  if (!is_complex(z.dtype())) return z;
  return record("conj", {z}, raw::conj(z.value()),
                [](const Tensor& dy, const Needs&) { return Tensors{raw::conj(dy)}; });
}

Tensor raw::abs(const Tensor& z) {
  Tensor y = Tensor::empty(z.shape(), real_of(z.dtype()), z.device());
  const StridedLoop<2> loop(z.shape(), {y.strides(), z.strides()});
  dispatch_inexact("abs", z.dtype(), [&]<class T>() {
    on_device("abs", z.device(),
              [&](auto where) { kernels::abs_forward<T>(where, loop, y.data<real_type<T>>(), z.data<T>()); });
  });
  return y;
}

// dz = dy z / |z|
Variable abs(const Variable& z) {
  return record("abs", {z}, raw::abs(z.value()), [z = z.value()](const Tensor& dy, const Needs&) {
    Tensor dz = Tensor::empty(z.shape(), z.dtype(), z.device());
    const StridedLoop<3> loop(z.shape(), {dz.strides(), dy.strides(), z.strides()});
    dispatch_inexact("abs", z.dtype(), [&]<class T>() {
      on_device("abs", z.device(), [&](auto where) {
        kernels::abs_backward<T>(where, loop, dz.data<T>(), dy.data<real_type<T>>(), z.data<T>());
      });
    });
    return Tensors{dz};
  });
}

Tensor raw::angle(const Tensor& z) {
  Tensor y = Tensor::empty(z.shape(), real_of(z.dtype()), z.device());
  const StridedLoop<2> loop(z.shape(), {y.strides(), z.strides()});
  dispatch_inexact("angle", z.dtype(), [&]<class T>() {
    on_device("angle", z.device(), [&](auto where) {
      kernels::angle_forward<T>(where, loop, y.data<real_type<T>>(), z.data<T>());
    });
  });
  return y;
}

// dz = dy i z / |z|^2
Variable angle(const Variable& z) {
  return record("angle", {z}, raw::angle(z.value()), [z = z.value()](const Tensor& dy, const Needs&) {
    Tensor dz = Tensor::empty(z.shape(), z.dtype(), z.device());
    const StridedLoop<3> loop(z.shape(), {dz.strides(), dy.strides(), z.strides()});
    dispatch_inexact("angle", z.dtype(), [&]<class T>() {
      on_device("angle", z.device(), [&](auto where) {
        kernels::angle_backward<T>(where, loop, dz.data<T>(), dy.data<real_type<T>>(), z.data<T>());
      });
    });
    return Tensors{dz};
  });
}

Variable view_as_real(const Variable& z) {
  return record("view_as_real", {z}, z.value().view_as_real(),
                [](const Tensor& dy, const Needs&) { return Tensors{dy.view_as_complex()}; });
}

Variable view_as_complex(const Variable& x) {
  return record("view_as_complex", {x}, x.value().view_as_complex(),
                [](const Tensor& dz, const Needs&) { return Tensors{dz.view_as_real()}; });
}

}  // namespace lrurec::ops
