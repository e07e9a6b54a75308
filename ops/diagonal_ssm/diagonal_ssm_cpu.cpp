// A thread takes a sequence. Vectors go along channels; for each of these, some states at a time walk all
// tokens in registers, while their sum over n stays in cache.

#include <algorithm>

#include "ops/diagonal_ssm/kernels.h"
#include "ops/primitives/simd.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr int together = 4;  ///< states of a channel: their chains of multiply-adds hide each other's latency

constexpr std::int64_t up_to_multiple(std::int64_t n, std::int64_t of) { return (n + of - 1) / of * of; }

/// Numbers of [H, N, 2] as [channels / W, N, 2, W], padded with zeros: a vector for each state's real parts,
/// one for its imaginary parts.
template <class T>
class Panels {
 public:
  static constexpr auto W = static_cast<std::int64_t>(xsimd::batch<T>::size);

  Panels(std::int64_t H, std::int64_t N)
      : H_(H),
        N_(N),
        states_(up_to_multiple(N, together)),
        values_(up_to_multiple(H, W) * states_ * 2, T(0)) {}

  void read(const T* from) {
    each([&](std::int64_t at, std::int64_t place) { values_[place] = from[at]; });
  }
  void write(T* to) const {
    each([&](std::int64_t at, std::int64_t place) { to[at] = values_[place]; });
  }
  T* part(std::int64_t channel, std::int64_t n, int imaginary) const {
    return values_.data() + ((channel / W * states_ + n) * 2 + imaginary) * W;
  }

 private:
  template <class F>
  void each(F&& f) const {
    for (std::int64_t h = 0; h < H_; ++h) {
      for (std::int64_t n = 0; n < N_; ++n) {
        for (int part = 0; part < 2; ++part) {
          f((h * N_ + n) * 2 + part, ((h / W * states_ + n) * 2 + part) * W + h % W);
        }
      }
    }
  }

  std::int64_t H_, N_, states_;
  Scratch<T> values_;
};

/// Rows [n, H] of a sequence, padded to whole vectors.
template <class T>
Scratch<T> padded(std::int64_t n, std::int64_t H, std::int64_t width, const T* rows) {
  Scratch<T> to(n * width, T(0));
  for (std::int64_t t = 0; t < n; ++t) std::copy_n(rows + t * H, H, to.data() + t * width);
  return to;
}
template <class T>
void unpad(std::int64_t n, std::int64_t H, std::int64_t width, const Scratch<T>& from, T* rows) {
  for (std::int64_t t = 0; t < n; ++t) std::copy_n(from.data() + t * width, H, rows + t * H);
}

template <class T>
struct Complex {
  using Batch = xsimd::batch<T>;
  Batch re = Batch(T(0)), im = Batch(T(0));

  static Complex load(const Panels<T>& panels, std::int64_t channel, std::int64_t n) {
    return {Batch::load_unaligned(panels.part(channel, n, 0)),
            Batch::load_unaligned(panels.part(channel, n, 1))};
  }
  /// s = lambda s + u
  void advance(const Complex& lambda, const Batch& u) {
    const Batch next = lambda.re * re - lambda.im * im + u;
    im = lambda.re * im + lambda.im * re;
    re = next;
  }
  void store(const Panels<T>& panels, std::int64_t channel, std::int64_t n) const {
    re.store_unaligned(panels.part(channel, n, 0));
    im.store_unaligned(panels.part(channel, n, 1));
  }
};

/// f(sequence, first token, tokens) of every sequence, in parallel.
template <class T, class F>
void for_sequences(const DiagonalSsm<T>& f, F&& work) {
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (f.tokens > 16)
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    errors.attempt([&] { work(s, f.offsets[s], f.offsets[s + 1] - f.offsets[s]); });
  }
  errors.rethrow();
}

}  // namespace

template <class T>
void diagonal_ssm_forward(Cpu, const DiagonalSsm<T>& f, T* y, T* state) {
  using Batch = xsimd::batch<T>;
  constexpr auto W = Panels<T>::W;
  const std::int64_t H = f.H, N = f.N, width = up_to_multiple(H, W);
  Panels<T> lambda(H, N), c(H, N);
  lambda.read(f.lambda), c.read(f.c);
  for_sequences(f, [&](std::int64_t s, std::int64_t first, std::int64_t length) {
    const Scratch<T> u = padded(length, H, width, f.u + first * H), out(length * width, T(0));
    Panels<T> states(H, N);
    states.read(state + s * H * N * 2);
    for (std::int64_t h = 0; h < H; h += W) {
      for (std::int64_t n = 0; n < N; n += together) {
        Complex<T> l[together], weight[together], x[together];
        for (int i = 0; i < together; ++i) {
          l[i] = Complex<T>::load(lambda, h, n + i), weight[i] = Complex<T>::load(c, h, n + i);
          x[i] = Complex<T>::load(states, h, n + i);
        }
        for (std::int64_t t = 0; t < length; ++t) {
          const Batch in = Batch::load_unaligned(u.data() + t * width + h);
          Batch sum(T(0));
          for (int i = 0; i < together; ++i) {
            x[i].advance(l[i], in);
            sum += weight[i].re * x[i].re - weight[i].im * x[i].im;
          }
          T* to = out.data() + t * width + h;
          (Batch::load_unaligned(to) + sum + sum).store_unaligned(to);
        }
        for (int i = 0; i < together; ++i) x[i].store(states, h, n + i);
      }
    }
    states.write(state + s * H * N * 2);
    unpad(length, H, width, out, y + first * H);
  });
}

template <class T>
void diagonal_ssm_backward(Cpu, const DiagonalSsm<T>& f, const T* dy, T* du, T* dlambda, T* dc) {
  using Batch = xsimd::batch<T>;
  constexpr auto W = Panels<T>::W;
  const std::int64_t H = f.H, N = f.N, width = up_to_multiple(H, W);
  Panels<T> lambda(H, N), c(H, N);
  lambda.read(f.lambda), c.read(f.c);
  for_sequences(f, [&](std::int64_t s, std::int64_t first, std::int64_t length) {
    const Scratch<T> u = padded(length, H, width, f.u + first * H),
                     above = padded(length, H, width, dy + first * H), below(length * width, T(0)),
                     past((length + 1) * together * 2 * W);
    const auto state = [&](std::int64_t t, int i, int part) {  // s_{t-1}
      return past.data() + ((t * together + i) * 2 + part) * W;
    };
    Panels<T> of_lambda(H, N), of_c(H, N);
    for (std::int64_t h = 0; h < H; h += W) {
      for (std::int64_t n = 0; n < N; n += together) {
        Complex<T> l[together], weight[together], x[together], g[together], sum_l[together], sum_c[together];
        for (int i = 0; i < together; ++i) {
          l[i] = Complex<T>::load(lambda, h, n + i), weight[i] = Complex<T>::load(c, h, n + i);
          x[i].re.store_unaligned(state(0, i, 0)), x[i].im.store_unaligned(state(0, i, 1));
        }
        for (std::int64_t t = 0; t < length; ++t) {
          const Batch in = Batch::load_unaligned(u.data() + t * width + h);
          for (int i = 0; i < together; ++i) {
            x[i].advance(l[i], in);
            x[i].re.store_unaligned(state(t + 1, i, 0)), x[i].im.store_unaligned(state(t + 1, i, 1));
          }
        }
        for (std::int64_t t = length - 1; t >= 0; --t) {
          const Batch d = Batch::load_unaligned(above.data() + t * width + h), twice = d + d;
          Batch sum(T(0));
          for (int i = 0; i < together; ++i) {
            const Batch re = l[i].re * g[i].re + l[i].im * g[i].im + weight[i].re * twice;
            g[i].im = l[i].re * g[i].im - l[i].im * g[i].re - weight[i].im * twice;
            g[i].re = re;
            sum += g[i].re;
            sum_c[i].re += twice * Batch::load_unaligned(state(t + 1, i, 0));
            sum_c[i].im -= twice * Batch::load_unaligned(state(t + 1, i, 1));
            const Batch x_re = Batch::load_unaligned(state(t, i, 0)),
                        x_im = Batch::load_unaligned(state(t, i, 1));
            sum_l[i].re += g[i].re * x_re + g[i].im * x_im;
            sum_l[i].im += g[i].im * x_re - g[i].re * x_im;
          }
          T* to = below.data() + t * width + h;
          (Batch::load_unaligned(to) + sum).store_unaligned(to);
        }
        for (int i = 0; i < together; ++i) {
          sum_l[i].store(of_lambda, h, n + i), sum_c[i].store(of_c, h, n + i);
        }
      }
    }
    of_lambda.write(dlambda + s * H * N * 2), of_c.write(dc + s * H * N * 2);
    unpad(length, H, width, below, du + first * H);
  });
}

#define DIAGONAL_SSM(T)                                                      \
  template void diagonal_ssm_forward<T>(Cpu, const DiagonalSsm<T>&, T*, T*); \
  template void diagonal_ssm_backward<T>(Cpu, const DiagonalSsm<T>&, const T*, T*, T*, T*);
DIAGONAL_SSM(float)
DIAGONAL_SSM(double)

}  // namespace lrurec::ops::kernels
