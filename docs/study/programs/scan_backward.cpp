// The backward of the scan by a loop, beside the library's and central differences.
#include <fmt/format.h>

#include "autograd/gradcheck.h"
#include "ops/ops.h"

using namespace lrurec;

int main() {
  const std::vector<std::int64_t> ends{0, 3, 5};  // sequences x1 x2 x3 and x4 x5
  const c128 lambda(0.6, 0.5);
  const std::vector<c128> x{{1, 0}, {0, 2}, {-1, 1}, {2, 0}, {0, -1}},
      dh{{1, 0}, {0, 0}, {0, 1}, {1, 2}, {2, 0}};

  std::vector<c128> h(5), g(5);
  c128 dlambda = 0;
  for (std::size_t s = 0; s < 2; ++s) {
    const auto begin = ends[s], end = ends[s + 1];
    c128 state = 0, carried = 0;
    for (auto t = begin; t < end; ++t) h[t] = state = lambda * state + x[t];
    for (auto t = end - 1; t >= begin; --t) {
      g[t] = dh[t] + carried;              // dL/dh_t in full
      carried = std::conj(lambda) * g[t];  // what it hands to h_{t-1}
      if (t > begin) dlambda += std::conj(h[t - 1]) * g[t];
    }
  }

  const Variable l(Tensor::from(std::vector<c128>{lambda}), true), in(Tensor::from(x, {5, 1}), true);
  const IndexTensor offsets = Tensor::from(ends);
  backward({ops::linear_scan(l, in, offsets).states}, {Tensor::from(dh, {5, 1})});
  const auto dx = in.grad().to_vector<c128>();
  for (std::size_t t = 0; t < 5; ++t)
    fmt::print("dx_{}: loop {:.3f} {:+.3f}i   library {:.3f} {:+.3f}i\n", t + 1, g[t].real(), g[t].imag(),
               dx[t].real(), dx[t].imag());
  const c128 of_library = l.grad().item<c128>();
  fmt::print("dlambda: loop {:.3f} {:+.3f}i   library {:.3f} {:+.3f}i\n", dlambda.real(), dlambda.imag(),
             of_library.real(), of_library.imag());

  const Variable h0(Tensor::from(std::vector<c128>{{1, 1}, {0, 2}}, {2, 1}), true);
  for (const auto how :
       {ops::ScanAlgorithm::sequential, ops::ScanAlgorithm::recursive, ops::ScanAlgorithm::chunked}) {
    const auto scan = [&](const Variables& v) {
      const auto [states, last] = ops::linear_scan(v[0], v[1], offsets, v[2], how);
      return Variables{states, last};
    };
    const auto report = gradcheck("linear_scan", scan, {l, in, h0});
    fmt::print("{:<10}: {} derivatives, ok: {}\n", name(how), report.checked, report ? "yes" : "no");
  }
}
