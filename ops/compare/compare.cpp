#include "ops/compare/compare.h"

#include "ops/compare/kernels.h"
#include "ops/where/where.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

template <class Relation, class... Ts>
Tensor compare(std::string_view op, const Tensor& left, const Tensor& right) {
  const DType dtype = promote(left.dtype(), right.dtype());
  const Shape shape = broadcast_shapes(op, left.shape(), right.shape());
  const Tensor a = left.to(dtype).broadcast_to(shape), b = right.to(dtype).broadcast_to(shape);
  Tensor y = Tensor::empty(shape, DType::boolean, a.device());
  const StridedLoop<3> loop(shape, {y.strides(), a.strides(), b.strides()});
  dispatch_types<Ts...>(op, dtype, [&]<class T>() {
    on_device(op, y.device(), [&](auto device) {
      kernels::compare<Relation, T>(device, loop, y.data<bool>(), a.data<T>(), b.data<T>());
    });
  });
  return y;
}

template <class Relation>
Tensor equality(const Tensor& a, const Tensor& b) {
  return compare<Relation, bool, std::int32_t, std::int64_t, float, double, c64, c128>(Relation::name, a, b);
}
template <class Relation>
Tensor order(std::string_view op, const Tensor& a, const Tensor& b) {
  return compare<Relation, std::int32_t, std::int64_t, float, double>(op, a, b);
}

void check_boolean(std::string_view op, const Tensor& a) {
  if (a.dtype() != DType::boolean) fail_op(op, "boolean tensors are needed, not {}", name(a.dtype()));
}

}  // namespace

Tensor raw::equal(const Tensor& a, const Tensor& b) { return equality<kernels::Equal>(a, b); }
Tensor raw::not_equal(const Tensor& a, const Tensor& b) { return equality<kernels::NotEqual>(a, b); }
Tensor raw::less(const Tensor& a, const Tensor& b) { return order<kernels::Less>("less", a, b); }
Tensor raw::less_equal(const Tensor& a, const Tensor& b) {
  return order<kernels::LessEqual>("less_equal", a, b);
}
Tensor raw::greater(const Tensor& a, const Tensor& b) { return order<kernels::Less>("greater", b, a); }
Tensor raw::greater_equal(const Tensor& a, const Tensor& b) {
  return order<kernels::LessEqual>("greater_equal", b, a);
}

Tensor raw::logical_and(const Tensor& a, const Tensor& b) {
  check_boolean("logical_and", a), check_boolean("logical_and", b);
  return raw::where(a, b, Tensor::full(Shape{}, 0, DType::boolean, a.device()));
}
Tensor raw::logical_or(const Tensor& a, const Tensor& b) {
  check_boolean("logical_or", a), check_boolean("logical_or", b);
  return raw::where(a, Tensor::full(Shape{}, 1, DType::boolean, a.device()), b);
}
Tensor raw::logical_not(const Tensor& a) {
  check_boolean("logical_not", a);
  return raw::equal(a, Tensor::full(Shape{}, 0, DType::boolean, a.device()));
}

}  // namespace lrurec::ops
