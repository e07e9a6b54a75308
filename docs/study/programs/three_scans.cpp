// What of the three scans is equal, and to how many digits.
#include <fmt/format.h>
#include <omp.h>

#include "ops/ops.h"
#include "tensor/random.h"

using namespace lrurec;
using ops::ScanAlgorithm;

const std::int64_t L = 1000, D = 64;  // 1000 is no power of two
Tensor offsets(std::int64_t length) { return Tensor::from(std::vector<std::int64_t>{0, length}); }

double largest(const Tensor& a) {
  const Tensor moduli = ops::raw::abs(a).reshape({-1});
  return ops::raw::max(moduli.to(DType::f64), 0).item<double>();
}
const char* yes(bool is) { return is ? "yes" : "no"; }
bool same_bits(const Tensor& a, const Tensor& b) { return a.to_vector<c64>() == b.to_vector<c64>(); }

int main() {
  const Philox random(3, 0);
  std::vector<c128> in, factors, start;
  for (std::uint64_t i = 0; i < L * D; ++i) in.emplace_back(random.normal(2 * i), random.normal(2 * i + 1));
  for (int d = 0; d < D; ++d)
    factors.push_back(std::polar(0.9 + 0.0015 * d, 0.7 * d)), start.emplace_back(1, d);
  const Tensor x = Tensor::from(in, {L, D}).to(DType::c64), lambda = Tensor::from(factors).to(DType::c64),
               h0 = Tensor::from(start, {1, D}).to(DType::c64);
  const auto scan = [&](ScanAlgorithm how) {
    return ops::raw::linear_scan(lambda, x, offsets(L), h0, how).states;
  };

  const Tensor exact = ops::raw::linear_scan(lambda.to(DType::c128), x.to(DType::c128), offsets(L),
                                             h0.to(DType::c128), ScanAlgorithm::sequential)
                           .states;
  const Tensor sequential = scan(ScanAlgorithm::sequential);
  fmt::print("{:<12} {:<26} {:<30} {}\n", "float32", "within 3e-6 of float64", "with the bits of sequential",
             "same bits on 1 and 2 threads");
  for (const auto how : {ScanAlgorithm::sequential, ScanAlgorithm::recursive, ScanAlgorithm::chunked}) {
    omp_set_num_threads(1);
    const Tensor one = scan(how);
    omp_set_num_threads(2);
    const Tensor two = scan(how);
    const double error = largest(ops::raw::sub(one.to(DType::c128), exact)) / largest(exact);
    fmt::print("{:<12} {:<26} {:<30} {}\n", name(how), yes(error < 3e-6), yes(same_bits(one, sequential)),
               yes(same_bits(one, two)));
  }

  // A step at a time, the state carried by hand.
  Tensor state = h0;
  bool equal = true;
  for (std::int64_t t = 0; t < L; ++t) {
    state = ops::raw::linear_scan(lambda, x.slice(0, t, t + 1), offsets(1), state).final_state;
    equal = equal && same_bits(state, sequential.slice(0, t, t + 1));
  }
  fmt::print("step by step has the bits of sequential: {}\n", yes(equal));

  // The closed form h_t = lambda^t sum_k lambda^-k x_k in float32, |lambda| = .8.
  float power = 1, sum = 0;
  for (int t = 0; t < L; ++t) power *= 0.8F, sum += 1 / power;
  fmt::print("closed form by division, 1000 steps of lambda .8: finite: {}\n",
             yes(std::isfinite(power * sum)));
}
