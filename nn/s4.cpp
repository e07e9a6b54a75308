#include "nn/s4.h"

#include <cmath>

#include "ops/ops.h"
#include "tensor/error.h"

// Eigenvalues and eigenvectors of a Hermitian matrix, by LAPACK, which OpenBLAS has without a C header. This
// is the function for packed matrices: on some processors (zgemv_n of the Zen and Haswell kernels), zheev of
// OpenBLAS 0.3.21 reads past the end of its matrix, which ends in a crash now and then.
extern "C" void zhpev_(const char* vectors, const char* triangle, const int* n, std::complex<double>* packed,
                       double* values, std::complex<double>* z, const int* ldz, std::complex<double>* work,
                       double* real_work, int* info);

namespace lrurec::nn {
namespace {

using Complex = std::complex<double>;

struct Eigen {
  std::vector<double> values;    ///< ascending
  std::vector<Complex> vectors;  ///< of value k: [k n, (k + 1) n)
};

/// upper: the upper triangle of the matrix, by columns.
Eigen hermitian_eigen(std::vector<Complex> upper, int n) {
  const auto size = static_cast<std::size_t>(n);
  Eigen eigen{std::vector<double>(size), std::vector<Complex>(size * size)};
  std::vector<Complex> work(2 * size);
  std::vector<double> real_work(3 * size);
  int info = 0;
  zhpev_("V", "U", &n, upper.data(), eigen.values.data(), eigen.vectors.data(), &n, work.data(),
         real_work.data(), &info);
  if (info != 0)
    fail(ErrorKind::internal, "[legs] the eigenvalues of a {} x {} matrix did not converge", n, n);
  return eigen;
}

}  // namespace

// A + P P^T with P_n = sqrt(n + 1/2) is -1/2 and a skew-symmetric K, whose eigenvalues i w come in pairs. So
// A = V (diag(-1/2 + i w) - (V^* P)(V^* P)^*) V^*.
LegS legs(std::int64_t pairs) {
  const auto n = static_cast<std::size_t>(2 * pairs);
  const auto root = [](std::size_t i) { return std::sqrt(static_cast<double>(i) + 0.5); };
  std::vector<Complex> hermitian;  // -i K
  for (std::size_t column = 0; column < n; ++column) {
    for (std::size_t row = 0; row < column; ++row) hermitian.emplace_back(0, -root(row) * root(column));
    hermitian.emplace_back(0, 0);
  }
  const Eigen eigen = hermitian_eigen(std::move(hermitian), static_cast<int>(n));
  const auto N = static_cast<std::size_t>(pairs);
  LegS result{std::vector<Complex>(N), std::vector<Complex>(N), std::vector<Complex>(N),
              std::vector<Complex>(n * N)};
  for (std::size_t k = 0; k < N; ++k) {  // the upper half: w > 0
    const Complex* v = eigen.vectors.data() + (N + k) * n;
    result.Lambda[k] = Complex(-0.5, eigen.values[N + k]);
    for (std::size_t i = 0; i < n; ++i) {
      result.V[i * N + k] = v[i];
      result.P[k] += std::conj(v[i]) * root(i);
      result.B[k] += std::conj(v[i]) * std::sqrt(2.0) * root(i);
    }
  }
  return result;
}

S4::S4(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init)
    : StateSpace(hidden, dropout, dropout_site, init) {
  const LegS start = legs(states);
  const Shape per_state{hidden, states};
  const auto of_state = [](const std::vector<Complex>& values) {
    return [&values](std::int64_t i) { return values[static_cast<std::size_t>(i % states)]; };
  };
  log_decay_ = register_parameter("log_decay", init.constant(per_state, std::log(0.5)), WeightDecay::no);
  frequency_ = register_parameter(
      "frequency", init.function(per_state, [&](std::int64_t i) { return of_state(start.Lambda)(i).imag(); }),
      WeightDecay::no);
  P_ = register_parameter("P", init.function_complex(per_state, of_state(start.P)), WeightDecay::no);
  B_ = register_parameter("B", init.function_complex(per_state, of_state(start.B)), WeightDecay::no);
}

ops::DplrMatrices S4::discrete() const {
  const Variable half = step() * 0.5;
  const Variable Lambda = ops::complex(-ops::exp(log_decay_), frequency_);
  const Variable d = ops::reciprocal(-half * Lambda + 1.0);
  const Variable e = half * P_ * d, b = 2.0 * half * B_ * d;
  // sum over both halves of conj(P) x: real, [H, 1]
  const auto project = [&](const Variable& x) {
    return 2.0 * ops::sum(ops::real(ops::conj(P_) * x), {1}, /*keep_dims=*/true);
  };
  const Variable k = ops::reciprocal(project(e) + 1.0);
  return {(half * Lambda + 1.0) * d, e, 2.0 * k * ops::conj(P_) * d, b - e * (k * project(b)), C_};
}

Variable S4::ssm(const Variable& x, const IndexTensor& offsets) const {
  return ops::dplr_ssm(x, discrete(), offsets);
}

Variable S4::ssm_composed(const Variable& x, const IndexTensor& offsets) const {
  return ops::dplr_ssm_composed(x, discrete(), offsets);
}

Tensor S4::ssm_step(const Tensor& x, const IndexTensor& offsets, const Tensor& state) const {
  const auto [y, after] = ops::raw::dplr_ssm(x, discrete(), offsets, state);
  Tensor(state).copy_(after);
  return y;
}

}  // namespace lrurec::nn
