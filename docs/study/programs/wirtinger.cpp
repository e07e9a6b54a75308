// The gradient of a complex number, three ways, and what descends.
#include <fmt/format.h>

#include <complex>

#include "ops/ops.h"

using namespace lrurec;

const c128 target(-3, 4);  // its square root is sought: z^2 = target

double loss(c128 z) { return std::norm(z * z - target); }  // |z^2 - target|^2

std::string str(c128 z) { return fmt::format("{:.3f} {:+.3f}i", z.real(), z.imag()); }

int main() {
  const c128 z(2, 1);
  const double eps = 1e-6;
  const c128 numeric((loss(z + eps) - loss(z - eps)) / (2 * eps),
                     (loss(z + c128(0, eps)) - loss(z - c128(0, eps))) / (2 * eps));

  const Variable v(Tensor::scalar(z), true);
  const Variable error = v * v - Variable(Tensor::scalar(target));
  ops::square(ops::abs(error)).backward();

  const c128 dy = 2.0 * (z * z - target);  // gradient of |y - target|^2 by y
  fmt::print("dL/dx + i dL/dy, numeric   {}\n", str(numeric));
  fmt::print("Variable::grad             {}\n", str(v.grad().item<c128>()));
  fmt::print("dy conj(2 z)               {}\n", str(dy * std::conj(2.0 * z)));
  fmt::print("dy 2 z                     {}\n", str(dy * 2.0 * z));

  for (const bool conjugated : {true, false}) {
    c128 at = z;
    for (int step = 0; step < 200 && std::isfinite(loss(at)); ++step) {
      const c128 slope = 2.0 * at;
      at -= 0.01 * 2.0 * (at * at - target) * (conjugated ? std::conj(slope) : slope);
    }
    fmt::print("200 steps {} conj: {}\n", conjugated ? "with   " : "without",
               loss(at) < 1e-6 ? "z = " + str(at) : "z^2 is not the target");
  }
}
