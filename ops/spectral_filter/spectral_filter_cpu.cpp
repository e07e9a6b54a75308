// By the fast Fourier transform of KISS FFT, on vectors. A transform takes as many channels as a vector has
// lanes, and as many again as imaginary parts. For real a and b and z = a + i b, A_k = (Z_k + conj Z_-k) / 2
// and B_k = (Z_k - conj Z_-k) / 2i; and back, A + i B gives a + i b.

#include <algorithm>
#include <array>
#include <kissfft/kissfft.hh>
#include <numbers>
#include <vector>
#include <xsimd/xsimd.hpp>

#include "ops/spectral_filter/kernels.h"
#include "tensor/parallel_errors.h"

namespace {

/// The factor of n that KISS FFT takes out first: 4, then the primes in rising order.
std::size_t radix_of(std::size_t n) {
  if (n % 4 == 0) return 4;
  for (std::size_t p = 2; p * p <= n; ++p) {
    if (n % p == 0) return p;
  }
  return n;
}

}  // namespace

// A constructor of our own, since that of KISS FFT calls cosine and sine functions that do not take vectors.
#define VECTOR_TRANSFORM(T)                                                                                  \
  template <>                                                                                                \
  kissfft<xsimd::batch<T>>::kissfft(const std::size_t n, const bool inverse) : _nfft(n), _inverse(inverse) { \
    const double turn = (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(n);                      \
    for (std::size_t k = 0; k < n; ++k) {                                                                    \
      const auto w = std::polar(1.0, turn * static_cast<double>(k));                                         \
      _twiddles.emplace_back(static_cast<T>(w.real()), static_cast<T>(w.imag()));                            \
    }                                                                                                        \
    std::size_t rest = n;                                                                                    \
    do {                                                                                                     \
      _stageRadix.push_back(radix_of(rest));                                                                 \
      rest /= _stageRadix.back();                                                                            \
      _stageRemainder.push_back(rest);                                                                       \
    } while (rest > 1);                                                                                      \
  }
VECTOR_TRANSFORM(float)
VECTOR_TRANSFORM(double)

namespace lrurec::ops::kernels {
namespace {

template <class T>
using Lanes = xsimd::batch<T>;
template <class T>
using Complex = std::complex<Lanes<T>>;
template <class T>
using Spectrum = std::vector<Complex<T>>;  ///< [K]
template <class T>
constexpr std::int64_t lanes = static_cast<std::int64_t>(Lanes<T>::size);

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

/// The channels that go through one transform: lanes of the real part, then lanes of the imaginary part.
/// Beyond the last channel they are 0.
template <class T>
class Channels {
 public:
  static constexpr std::int64_t most = 2 * lanes<T>;

  Channels(std::int64_t C, std::int64_t number) : first_(number * most), count_(std::min(most, C - first_)) {}

  Complex<T> load(const T* row) const {
    if (count_ == most) return pair(row + first_);
    std::array<T, most> all{};
    std::copy_n(row + first_, count_, all.data());
    return pair(all.data());
  }
  void store(const Complex<T>& z, T* row) const {
    std::array<T, most> all;
    T* to = count_ == most ? row + first_ : all.data();
    z.real().store_unaligned(to);
    z.imag().store_unaligned(to + lanes<T>);
    if (count_ < most) std::copy_n(all.data(), count_, row + first_);
  }
  /// Complex numbers: those of the first lanes (the real parts), then those of the others.
  std::array<Complex<T>, 2> load(const std::complex<T>* row) const {
    std::array<T, most> real{}, imag{};
    for (std::int64_t i = 0; i < count_; ++i) {
      real[size(i)] = row[first_ + i].real();
      imag[size(i)] = row[first_ + i].imag();
    }
    const Complex<T> re = pair(real.data()), im = pair(imag.data());
    return {Complex<T>(re.real(), im.real()), Complex<T>(re.imag(), im.imag())};
  }
  void store(const std::array<Complex<T>, 2>& z, std::complex<T>* row) const {
    std::array<T, most> real, imag;
    for (const std::int64_t half : {0, 1}) {
      z[size(half)].real().store_unaligned(real.data() + half * lanes<T>);
      z[size(half)].imag().store_unaligned(imag.data() + half * lanes<T>);
    }
    for (std::int64_t i = 0; i < count_; ++i) row[first_ + i] = {real[size(i)], imag[size(i)]};
  }

 private:
  static Complex<T> pair(const T* from) {
    return {Lanes<T>::load_unaligned(from), Lanes<T>::load_unaligned(from + lanes<T>)};
  }
  std::int64_t first_, count_;
};

/// Transforms of L places, with room for their values.
template <class T>
class Transform {
 public:
  explicit Transform(std::int64_t L)
      : L_(L), there_(size(L), false), back_(size(L), true), places_(size(L)), whole_(size(L)) {}

  /// Spectra [K] of a sequence x: [L, C].
  void spectra(const T* x, std::int64_t C, const Channels<T>& channels, Spectrum<T>& a, Spectrum<T>& b) {
    for (std::int64_t t = 0; t < L_; ++t) places_[size(t)] = channels.load(x + t * C);
    there_.transform(places_.data(), whole_.data());
    const Lanes<T> half(T(0.5));
    for (std::int64_t k = 0; k <= L_ / 2; ++k) {
      const Complex<T> z = whole_[size(k)], w = std::conj(whole_[size((L_ - k) % L_)]);
      const Complex<T> sum = z + w, difference = z - w;
      a[size(k)] = {sum.real() * half, sum.imag() * half};
      b[size(k)] = {difference.imag() * half, -difference.real() * half};
    }
  }

  /// y of spectra, the inverse of spectra().
  void places(const Spectrum<T>& a, const Spectrum<T>& b, T* y, std::int64_t C, const Channels<T>& channels) {
    for (std::int64_t k = 0; k <= L_ / 2; ++k) {
      // A value without a partner -k counts as real, whatever its imaginary part.
      const bool alone = k == 0 || 2 * k == L_;
      const Lanes<T> zero(T(0));
      const Complex<T>&u = a[size(k)], &v = b[size(k)];
      const Lanes<T> ui = alone ? zero : u.imag(), vi = alone ? zero : v.imag();
      whole_[size(k)] = {u.real() - vi, ui + v.real()};                   // u + i v
      if (!alone) whole_[size(L_ - k)] = {u.real() + vi, v.real() - ui};  // conj u + i conj v
    }
    back_.transform(whole_.data(), places_.data());
    const Lanes<T> scale(T(1) / static_cast<T>(L_));
    for (std::int64_t t = 0; t < L_; ++t) {
      const Complex<T>& z = places_[size(t)];
      channels.store(Complex<T>(z.real() * scale, z.imag() * scale), y + t * C);
    }
  }

 private:
  std::int64_t L_;
  kissfft<Lanes<T>> there_, back_;
  Spectrum<T> places_, whole_;
};

/// a conj(b)
template <class T>
Complex<T> times_conj(const Complex<T>& a, const Complex<T>& b) {
  return {a.real() * b.real() + a.imag() * b.imag(), a.imag() * b.real() - a.real() * b.imag()};
}

/// Work is shared out by channels and by parts of the sequences. Their number does not depend on the number
/// of threads, so that sums over a part have the same bits.
template <class T>
struct Tasks {
  explicit Tasks(const SpectralFilter<T>& f)
      : groups((f.C + Channels<T>::most - 1) / Channels<T>::most),
        parts(std::clamp<std::int64_t>(f.S, 1, 8)) {}

  /// work(group, part, first sequence, end), in parallel.
  template <class F>
  void run(const SpectralFilter<T>& f, F&& work) const {
    ParallelErrors errors;
#pragma omp parallel for collapse(2) schedule(static) if (f.S * f.L * f.C > 4096)
    for (std::int64_t part = 0; part < parts; ++part) {
      for (std::int64_t group = 0; group < groups; ++group) {
        errors.attempt([&] { work(group, part, f.S * part / parts, f.S * (part + 1) / parts); });
      }
    }
    errors.rethrow();
  }

  std::int64_t groups, parts;
};

/// The columns of W for some channels, [K] each: for the first lanes and for the others.
template <class T>
std::array<Spectrum<T>, 2> filter_of(const SpectralFilter<T>& f, const Channels<T>& channels) {
  std::array<Spectrum<T>, 2> w;
  for (std::int64_t k = 0; k < f.frequencies(); ++k) {
    const auto both = channels.load(f.W + k * f.C);
    w[0].push_back(both[0]);
    w[1].push_back(both[1]);
  }
  return w;
}

}  // namespace

template <class T>
void spectral_filter_forward(Cpu, const SpectralFilter<T>& f, T* y) {
  const std::int64_t L = f.L, C = f.C;
  const auto K = size(f.frequencies());
  Tasks<T>(f).run(f, [&](std::int64_t group, std::int64_t, std::int64_t first, std::int64_t end) {
    const Channels<T> channels(C, group);
    const auto w = filter_of(f, channels);
    Transform<T> transform(L);
    Spectrum<T> a(K), b(K);
    for (std::int64_t s = first; s < end; ++s) {
      transform.spectra(f.x + s * L * C, C, channels, a, b);
      for (std::size_t k = 0; k < K; ++k) {
        a[k] *= w[0][k];
        b[k] *= w[1][k];
      }
      transform.places(a, b, y + s * L * C, C, channels);
    }
  });
}

template <class T>
void spectral_filter_backward(Cpu, const SpectralFilter<T>& f, const T* dy, T* dx, std::complex<T>* dW) {
  const std::int64_t L = f.L, C = f.C;
  const auto K = size(f.frequencies());
  const Tasks<T> tasks(f);
  const Complex<T> zero(Lanes<T>(T(0)), Lanes<T>(T(0)));
  std::vector<std::array<Spectrum<T>, 2>> sums(size(tasks.groups * tasks.parts));
  tasks.run(f, [&](std::int64_t group, std::int64_t part, std::int64_t first, std::int64_t end) {
    const Channels<T> channels(C, group);
    const auto w = filter_of(f, channels);
    Transform<T> transform(L);
    Spectrum<T> a(K), b(K), of_dy_a(K), of_dy_b(K);
    auto& sum = sums[size(group * tasks.parts + part)];
    sum = {Spectrum<T>(K, zero), Spectrum<T>(K, zero)};
    for (std::int64_t s = first; s < end; ++s) {
      transform.spectra(f.x + s * L * C, C, channels, a, b);
      transform.spectra(dy + s * L * C, C, channels, of_dy_a, of_dy_b);
      for (std::size_t k = 0; k < K; ++k) {
        sum[0][k] += times_conj<T>(of_dy_a[k], a[k]);
        sum[1][k] += times_conj<T>(of_dy_b[k], b[k]);
        of_dy_a[k] = times_conj<T>(of_dy_a[k], w[0][k]);
        of_dy_b[k] = times_conj<T>(of_dy_b[k], w[1][k]);
      }
      transform.places(of_dy_a, of_dy_b, dx + s * L * C, C, channels);
    }
  });
  for (std::int64_t group = 0; group < tasks.groups; ++group) {
    const Channels<T> channels(C, group);
    for (std::size_t k = 0; k < K; ++k) {
      std::array<Complex<T>, 2> all{zero, zero};
      for (std::int64_t part = 0; part < tasks.parts; ++part) {
        const auto& sum = sums[size(group * tasks.parts + part)];
        for (const std::size_t half : {0, 1}) all[half] += sum[half][k];
      }
      const bool alone = k == 0 || 2 * k == size(L);
      const Lanes<T> factor((alone ? T(1) : T(2)) / static_cast<T>(L));
      for (auto& z : all) z = {z.real() * factor, z.imag() * factor};
      channels.store(all, dW + static_cast<std::int64_t>(k) * C);
    }
  }
}

#define SPECTRAL_FILTER(T)                                                     \
  template void spectral_filter_forward<T>(Cpu, const SpectralFilter<T>&, T*); \
  template void spectral_filter_backward<T>(Cpu, const SpectralFilter<T>&, const T*, T*, std::complex<T>*);
SPECTRAL_FILTER(float)
SPECTRAL_FILTER(double)

}  // namespace lrurec::ops::kernels
