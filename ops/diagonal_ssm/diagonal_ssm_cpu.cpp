// A thread takes a sequence. Vectors go along channels. For each vector, some states at a time walk all
// tokens in registers, while their sum over n stays in cache.

#include "ops/diagonal_ssm/kernels.h"
#include "ops/primitives/state_panels.h"

namespace lrurec::ops::kernels {
namespace {

constexpr int together = 4;  ///< states of a channel: their chains of multiply-adds hide each other's latency

template <class T>
using Panels = StatePanels<T, together>;
template <class T>
using Complex = ComplexVector<T>;

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
