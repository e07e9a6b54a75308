// Tensors of as many dimensions as there can be: what has no room for one more.

#include "autograd/gradcheck.h"
#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

const Shape six_dimensions{1, 2, 1, 2, 1, 2};
static_assert(Shape::max_rank == 6);

TEST(ManyDimensions, PartsOfComplexNumbers) {
  const Tensor z = Tensor::randn(six_dimensions, /*random=*/1, DType::c128), flat = z.reshape({8});
  const auto expect_same = [](const Tensor& found, const Tensor& expected) {
    EXPECT_EQ(found.shape(), six_dimensions);
    EXPECT_EQ(test::max_difference(found.reshape({8}), expected), 0);
  };
  expect_same(raw::real(z), flat.view_as_real().select(1, 0));
  expect_same(raw::imag(z), flat.view_as_real().select(1, 1));
  expect_same(raw::conj(z), raw::conj(flat));
  expect_same(raw::complex(raw::imag(z), raw::real(z)), raw::complex(raw::imag(flat), raw::real(flat)));
  EXPECT_EQ(raw::real(z).storage(), z.storage()) << "a view";
  test::expect_error(ErrorKind::internal, "[imag_part] dtype f64",
                     [] { Tensor::zeros({1}, DType::f64).imag_part(); });
}

TEST(ManyDimensions, GradientsAreChecked) {
  const auto check = [](const char* name, const std::function<Variable(const Variables&)>& f,
                        const std::vector<DType>& dtypes) {
    Variables leaves;
    for (const DType dtype : dtypes) {
      leaves.emplace_back(Tensor::randn(six_dimensions, Philox(1, leaves.size()), dtype), true);
    }
    const auto report = gradcheck(
        name, [&](const Variables& x) { return Variables{f(x)}; }, leaves);
    EXPECT_TRUE(report) << report.str(name);
  };
  for (const DType dtype : {DType::f64, DType::c128}) {
    check("square", [](const Variables& x) { return square(x[0]); }, {dtype});
    check("real", [](const Variables& x) { return real(x[0]); }, {dtype});
    check("conj", [](const Variables& x) { return conj(x[0]); }, {dtype});
    check("mul", [](const Variables& x) { return x[0] * x[1]; }, {dtype, DType::c128});
  }
  check("imag", [](const Variables& x) { return imag(x[0]); }, {DType::c128});
  check("complex", [](const Variables& x) { return complex(x[0], x[1]); }, {DType::f64, DType::f64});
}

}  // namespace
}  // namespace lrurec::ops
