// An operation of our own: forward on Tensors, and `record` with its backward.
#include <fmt/format.h>

#include "autograd/gradcheck.h"
#include "ops/ops.h"

using namespace lrurec;

// y = x / (1 + |x|), dy/dx = 1 / (1 + |x|)^2; `power` 1 is a mistake to be found
Variable softsign(const Variable& x, int power = 2) {
  const Tensor one = Tensor::scalar(1.0);
  const Tensor scale = ops::raw::add(one, ops::raw::abs(x.value()));
  const Tensor y = ops::raw::div(x.value(), scale);
  return record("softsign", {x}, y, [scale, power](const Tensor& dy, const Needs&) {
    return Tensors{ops::raw::div(dy, power == 2 ? ops::raw::square(scale) : scale)};
  });
}

int main() {
  const Variable x(Tensor::from(std::vector<double>{-3, -0.5, 1, 4}), true);
  ops::sum(softsign(x)).backward();
  const auto slopes = x.grad().to_vector<double>();
  fmt::print("slopes {:.4f} {:.4f} {:.4f} {:.4f}\n", slopes[0], slopes[1], slopes[2], slopes[3]);

  for (const int power : {2, 1}) {
    const auto report =
        gradcheck("softsign", [&](const Variables& in) { return Variables{softsign(in[0], power)}; }, {x});
    fmt::print("power {}: {} derivatives checked, ok: {}\n", power, report.checked, report ? "yes" : "no");
    if (report) continue;
    const GradcheckMismatch& first = report.mismatches[0];
    fmt::print("  index {}: analytic / numeric = {:.3f}\n", first.index[0], first.analytic / first.numeric);
  }
}
