#include <cmath>

#include "ops/fft/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels {
namespace fourier_sums {

using cuda::complex, cuda::global_thread, cuda::grid_threads;

/// roots[j] = e^(-+ 2 pi i j / n), computed in double, since the result is no more exact than the angle.
template <class T>
__global__ void roots_kernel(std::int64_t n, bool positive, complex<T>* roots) {
  for (std::int64_t j = global_thread(); j < n; j += grid_threads()) {
    const double angle = 6.283185307179586476925 * static_cast<double>(j) / static_cast<double>(n);
    const double sine = std::sin(angle);
    roots[j] = complex<T>(static_cast<T>(std::cos(angle)), static_cast<T>(positive ? sine : -sine));
  }
}

template <class T>
__global__ void fft_sum_kernel(std::int64_t rows, std::int64_t n, T scale, const complex<T>* x,
                               const complex<T>* roots, complex<T>* y) {
  for (std::int64_t i = global_thread(); i < rows * n; i += grid_threads()) {
    const std::int64_t k = i % n;
    const complex<T>* row = x + (i - k);
    T re = 0, im = 0;
    std::int64_t at = 0;  // k t mod n
    for (std::int64_t t = 0; t < n; ++t) {
      re += row[t].real() * roots[at].real() - row[t].imag() * roots[at].imag();
      im += row[t].real() * roots[at].imag() + row[t].imag() * roots[at].real();
      at += k;
      if (at >= n) at -= n;
    }
    y[i] = complex<T>(re * scale, im * scale);
  }
}

}  // namespace fourier_sums

template <class T>
void fourier(Cuda, const Fourier<T>& f, std::complex<T>* y) {
  using V = cuda::complex<T>;
  constexpr std::int64_t most = 1 << 15;
  if (f.n > most) {
    fail_op("fft", "{} places, of which a GPU takes n^2 steps, are more than {}; transform them on the CPU",
            f.n, most);
  }
  const cuda::Scratch<V> roots(f.n);
  const V* kept = roots.data();
  cuda::launch("fft", fourier_sums::roots_kernel<T>, cuda::blocks_for(f.n), 256, 0, f.n,
               f.sign == Exponent::positive, roots.data());
  cuda::launch("fft", fourier_sums::fft_sum_kernel<T>, cuda::blocks_for(f.rows * f.n), 256, 0, f.rows, f.n,
               f.scale, cuda::elements(f.x), kept, cuda::elements(y));
}

#define FOURIER(T) template void fourier<T>(Cuda, const Fourier<T>&, std::complex<T>*);
FOURIER(float)
FOURIER(double)

}  // namespace lrurec::ops::kernels
