#include <kissfft/kissfft.hh>

#include "ops/fft/kernels.h"
#include "tensor/parallel_errors.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void fourier(Cpu, const Fourier<T>& f, std::complex<T>* y) {
  // A transform object holds working memory, so each part of the rows has one.
  const std::int64_t parts = std::min<std::int64_t>(f.rows, 64);
  ParallelErrors errors;
#pragma omp parallel for schedule(static) if (f.rows * f.n > parallel_grain)
  for (std::int64_t part = 0; part < parts; ++part) {
    errors.attempt([&] {
      kissfft<T> transform(static_cast<std::size_t>(f.n), f.sign == Exponent::positive);
      for (std::int64_t r = f.rows * part / parts; r < f.rows * (part + 1) / parts; ++r) {
        std::complex<T>* to = y + r * f.n;
        transform.transform(f.x + r * f.n, to);
        for (std::int64_t k = 0; f.scale != T(1) && k < f.n; ++k) to[k] *= f.scale;
      }
    });
  }
  errors.rethrow();
}

#define FOURIER(T) template void fourier<T>(Cpu, const Fourier<T>&, std::complex<T>*);
FOURIER(float)
FOURIER(double)

}  // namespace lrurec::ops::kernels
