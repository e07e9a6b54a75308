// By the fast Fourier transform of KISS FFT. Two channels go through one complex transform, the second as the
// imaginary part of the first: for real a and b and z = a + i b, A_k = (Z_k + conj Z_-k) / 2 and
// B_k = (Z_k - conj Z_-k) / 2i; and back, A + i B gives a + i b.

#include <algorithm>
#include <kissfft/kissfft.hh>
#include <vector>

#include "ops/spectral_filter/kernels.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
using Spectra = std::vector<std::complex<T>>;

/// Transforms of L places, with room for their values.
template <class T>
class Transform {
 public:
  explicit Transform(std::int64_t L)
      : L_(L), there_(size(L), false), back_(size(L), true), places_(size(L)), whole_(size(L)) {}

  /// Spectra [K] of channels c and, where `two`, c + 1 of x: [L, C].
  void spectra(const T* x, std::int64_t C, std::int64_t c, bool two, std::complex<T>* a, std::complex<T>* b) {
    for (std::int64_t t = 0; t < L_; ++t) places_[size(t)] = {x[t * C + c], two ? x[t * C + c + 1] : T(0)};
    there_.transform(places_.data(), whole_.data());
    for (std::int64_t k = 0; k <= L_ / 2; ++k) {
      const std::complex<T> z = whole_[size(k)], w = std::conj(whole_[size((L_ - k) % L_)]);
      const std::complex<T> sum = z + w, difference = z - w;
      a[k] = sum * T(0.5);
      b[k] = {difference.imag() * T(0.5), -difference.real() * T(0.5)};
    }
  }

  /// y[:, c] and y[:, c + 1] of spectra, the inverse of spectra().
  void places(const std::complex<T>* a, const std::complex<T>* b, T* y, std::int64_t C, std::int64_t c,
              bool two) {
    for (std::int64_t k = 0; k <= L_ / 2; ++k) {
      // What has no partner -k of its own is real, whatever its imaginary part.
      const bool alone = k == 0 || 2 * k == L_;
      const std::complex<T> u = alone ? std::complex<T>(a[k].real()) : a[k],
                            v = alone ? std::complex<T>(b[k].real()) : b[k];
      whole_[size(k)] = {u.real() - v.imag(), u.imag() + v.real()};                   // u + i v
      if (!alone) whole_[size(L_ - k)] = {u.real() + v.imag(), v.real() - u.imag()};  // conj u + i conj v
    }
    back_.transform(whole_.data(), places_.data());
    const T scale = T(1) / static_cast<T>(L_);
    for (std::int64_t t = 0; t < L_; ++t) {
      y[t * C + c] = places_[size(t)].real() * scale;
      if (two) y[t * C + c + 1] = places_[size(t)].imag() * scale;
    }
  }

 private:
  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
  std::int64_t L_;
  kissfft<T> there_, back_;
  std::vector<std::complex<T>> places_, whole_;
};

/// a * b and a * conj(b): that of std::complex looks for infinities, which takes longer than the product.
template <class T>
std::complex<T> times(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
template <class T>
std::complex<T> times_conj(std::complex<T> a, std::complex<T> b) {
  return times(a, std::conj(b));
}

/// f(c, two) for pairs of channels, in parallel: a pair of all sequences is one thread's.
template <class T, class F>
void for_channel_pairs(const SpectralFilter<T>& f, F&& work) {
  ParallelErrors errors;
#pragma omp parallel for schedule(static) if (f.S * f.L * f.C > 4096)
  for (std::int64_t c = 0; c < f.C; c += 2) {
    errors.attempt([&] { work(c, c + 1 < f.C); });
  }
  errors.rethrow();
}

}  // namespace

template <class T>
void spectral_filter_forward(Cpu, const SpectralFilter<T>& f, T* y) {
  const std::int64_t K = f.frequencies(), C = f.C;
  for_channel_pairs(f, [&](std::int64_t c, bool two) {
    Transform<T> transform(f.L);
    Spectra<T> a(static_cast<std::size_t>(K)), b(a.size());
    for (std::int64_t s = 0; s < f.S; ++s) {
      transform.spectra(f.x + s * f.L * C, C, c, two, a.data(), b.data());
      for (std::int64_t k = 0; k < K; ++k) {
        const auto i = static_cast<std::size_t>(k);
        a[i] = times(a[i], f.W[k * C + c]);
        if (two) b[i] = times(b[i], f.W[k * C + c + 1]);
      }
      transform.places(a.data(), b.data(), y + s * f.L * C, C, c, two);
    }
  });
}

template <class T>
void spectral_filter_backward(Cpu, const SpectralFilter<T>& f, const T* dy, T* dx, std::complex<T>* dW) {
  const std::int64_t K = f.frequencies(), L = f.L, C = f.C;
  for_channel_pairs(f, [&](std::int64_t c, bool two) {
    Transform<T> transform(L);
    Spectra<T> a(static_cast<std::size_t>(K)), b(a.size()), of_dy_a(a.size()), of_dy_b(a.size()),
        sum_a(a.size()), sum_b(a.size());
    for (std::int64_t s = 0; s < f.S; ++s) {
      transform.spectra(f.x + s * L * C, C, c, two, a.data(), b.data());
      transform.spectra(dy + s * L * C, C, c, two, of_dy_a.data(), of_dy_b.data());
      for (std::int64_t k = 0; k < K; ++k) {
        const auto i = static_cast<std::size_t>(k);
        sum_a[i] += times_conj(of_dy_a[i], a[i]);
        of_dy_a[i] = times_conj(of_dy_a[i], f.W[k * C + c]);
        if (!two) continue;
        sum_b[i] += times_conj(of_dy_b[i], b[i]);
        of_dy_b[i] = times_conj(of_dy_b[i], f.W[k * C + c + 1]);
      }
      transform.places(of_dy_a.data(), of_dy_b.data(), dx + s * L * C, C, c, two);
    }
    for (std::int64_t k = 0; k < K; ++k) {
      const T factor = (k == 0 || 2 * k == L ? T(1) : T(2)) / static_cast<T>(L);
      dW[k * C + c] = sum_a[static_cast<std::size_t>(k)] * factor;
      if (two) dW[k * C + c + 1] = sum_b[static_cast<std::size_t>(k)] * factor;
    }
  });
}

#define SPECTRAL_FILTER(T)                                                     \
  template void spectral_filter_forward<T>(Cpu, const SpectralFilter<T>&, T*); \
  template void spectral_filter_backward<T>(Cpu, const SpectralFilter<T>&, const T*, T*, std::complex<T>*);
SPECTRAL_FILTER(float)
SPECTRAL_FILTER(double)

}  // namespace lrurec::ops::kernels
