// A thread takes a sequence. Vectors go along channels; for each of these all states walk the tokens
// together, in cache, since each step needs a sum over all of them (rho). The sum for the next step is made
// while the states of this one are at hand.

#include "ops/dplr_ssm/kernels.h"
#include "ops/primitives/state_panels.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
using Panels = StatePanels<T, 1>;
template <class T>
using Complex = ComplexVector<T>;

/// The five matrices of all channels.
template <class T>
struct Matrices {
  Panels<T> a, e, f, b, c;

  explicit Matrices(const DplrSsm<T>& in) : Matrices(in.H, in.N) {
    a.read(in.a), e.read(in.e), f.read(in.f), b.read(in.b), c.read(in.c);
  }
  Matrices(std::int64_t H, std::int64_t N) : a(H, N), e(H, N), f(H, N), b(H, N), c(H, N) {}
};

/// Re (x y)
template <class T>
xsimd::batch<T> real_of_product(const Complex<T>& x, const Complex<T>& y) {
  return x.re * y.re - x.im * y.im;
}
/// Re (conj(x) y)
template <class T>
xsimd::batch<T> real_of_conjugate_product(const Complex<T>& x, const Complex<T>& y) {
  return x.re * y.re + x.im * y.im;
}
/// sum += x conj(y)
template <class T>
void add_conjugate_product(Complex<T>& sum, const Complex<T>& x, const Complex<T>& y) {
  sum.re += x.re * y.re + x.im * y.im;
  sum.im += x.im * y.re - x.re * y.im;
}
/// x + conj(z) r with a real r
template <class T>
Complex<T> plus_conjugate(const Complex<T>& x, const Complex<T>& z, const xsimd::batch<T>& r) {
  return {x.re + z.re * r, x.im - z.im * r};
}

/// One state's step: a s - e rho + b u.
template <class T>
Complex<T> step(const Matrices<T>& m, std::int64_t h, std::int64_t n, Complex<T> s,
                const xsimd::batch<T>& rho, const xsimd::batch<T>& u) {
  const auto e = Complex<T>::load(m.e, h, n), b = Complex<T>::load(m.b, h, n);
  s.advance(Complex<T>::load(m.a, h, n), b.re * u - e.re * rho);
  s.im += b.im * u - e.im * rho;
  return s;
}

}  // namespace

template <class T>
void dplr_ssm_forward(Cpu, const DplrSsm<T>& in, T* y, T* state) {
  using Batch = xsimd::batch<T>;
  constexpr auto W = Panels<T>::W;
  const std::int64_t H = in.H, N = in.N, width = up_to_multiple(H, W);
  const Matrices<T> m(in);
  for_sequences(in, [&](std::int64_t q, std::int64_t first, std::int64_t length) {
    const Scratch<T> u = padded(length, H, width, in.u + first * H), out(length * width, T(0));
    Panels<T> states(H, N);
    states.read(state + q * H * N * 2);
    for (std::int64_t h = 0; h < H; h += W) {
      Batch rho(T(0));
      for (std::int64_t n = 0; n < N; ++n) {
        rho += real_of_product(Complex<T>::load(m.f, h, n), Complex<T>::load(states, h, n));
      }
      rho += rho;
      for (std::int64_t t = 0; t < length; ++t) {
        const Batch input = Batch::load_unaligned(u.data() + t * width + h);
        Batch next_rho(T(0)), sum(T(0));
        for (std::int64_t n = 0; n < N; ++n) {
          const auto s = step(m, h, n, Complex<T>::load(states, h, n), rho, input);
          s.store(states, h, n);
          next_rho += real_of_product(Complex<T>::load(m.f, h, n), s);
          sum += real_of_product(Complex<T>::load(m.c, h, n), s);
        }
        rho = next_rho + next_rho;
        (sum + sum).store_unaligned(out.data() + t * width + h);
      }
    }
    states.write(state + q * H * N * 2);
    unpad(length, H, width, out, y + first * H);
  });
}

template <class T>
void dplr_ssm_backward(Cpu, const DplrSsm<T>& in, const T* dy, T* du, const DplrSsmGradients<T>& gradients) {
  using Batch = xsimd::batch<T>;
  constexpr auto W = Panels<T>::W;
  const std::int64_t H = in.H, N = in.N, width = up_to_multiple(H, W);
  const Matrices<T> m(in);
  for_sequences(in, [&](std::int64_t q, std::int64_t first, std::int64_t length) {
    const Scratch<T> u = padded(length, H, width, in.u + first * H),
                     above = padded(length, H, width, dy + first * H), below(length * width, T(0)),
                     rhos((length + 1) * W, T(0)), past((length + 1) * N * 2 * W, T(0));
    const auto past_state = [&](std::int64_t t, std::int64_t n) {  // s_{t-1}
      return past.data() + (t * N + n) * 2 * W;
    };
    const auto load_past = [&](std::int64_t t, std::int64_t n) {
      const T* at = past_state(t, n);
      return Complex<T>{Batch::load_unaligned(at), Batch::load_unaligned(at + W)};
    };
    Matrices<T> of(H, N);
    Panels<T> g_of_states(W, N);
    for (std::int64_t h = 0; h < H; h += W) {
      for (std::int64_t t = 0; t < length; ++t) {
        const Batch input = Batch::load_unaligned(u.data() + t * width + h),
                    rho = Batch::load_unaligned(rhos.data() + t * W);
        Batch next_rho(T(0));
        for (std::int64_t n = 0; n < N; ++n) {
          const auto s = step(m, h, n, load_past(t, n), rho, input);
          s.re.store_unaligned(past_state(t + 1, n)), s.im.store_unaligned(past_state(t + 1, n) + W);
          next_rho += real_of_product(Complex<T>::load(m.f, h, n), s);
        }
        (next_rho + next_rho).store_unaligned(rhos.data() + (t + 1) * W);
      }
      for (std::int64_t n = 0; n < N; ++n) Complex<T>{}.store(g_of_states, 0, n);
      Batch d_next_rho(T(0));  // of rho_{t+1}, twice
      for (std::int64_t t = length - 1; t >= 0; --t) {
        const Batch d = Batch::load_unaligned(above.data() + t * width + h), twice = d + d,
                    input = Batch::load_unaligned(u.data() + t * width + h),
                    rho = Batch::load_unaligned(rhos.data() + t * W);
        Batch d_u(T(0)), d_rho(T(0));
        for (std::int64_t n = 0; n < N; ++n) {
          const auto a = Complex<T>::load(m.a, h, n), s = load_past(t + 1, n), before = load_past(t, n);
          Complex<T> g = Complex<T>::load(g_of_states, 0, n);
          g = {a.re * g.re + a.im * g.im, a.re * g.im - a.im * g.re};
          g = plus_conjugate(plus_conjugate(g, Complex<T>::load(m.f, h, n), d_next_rho),
                             Complex<T>::load(m.c, h, n), twice);
          g.store(g_of_states, 0, n);
          d_u += real_of_conjugate_product(Complex<T>::load(m.b, h, n), g);
          d_rho -= real_of_conjugate_product(Complex<T>::load(m.e, h, n), g);
          const auto add = [&](Panels<T>& panels, const auto& change) {
            auto sum = Complex<T>::load(panels, h, n);
            change(sum);
            sum.store(panels, h, n);
          };
          add(of.a, [&](auto& sum) { add_conjugate_product(sum, g, before); });
          add(of.e, [&](auto& sum) { sum.re -= g.re * rho, sum.im -= g.im * rho; });
          add(of.f, [&](auto& sum) { sum = plus_conjugate(sum, s, d_next_rho); });
          add(of.b, [&](auto& sum) { sum.re += g.re * input, sum.im += g.im * input; });
          add(of.c, [&](auto& sum) { sum = plus_conjugate(sum, s, twice); });
        }
        d_next_rho = d_rho + d_rho;
        d_u.store_unaligned(below.data() + t * width + h);
      }
    }
    const std::int64_t at = q * H * N * 2;
    of.a.write(gradients.a + at), of.e.write(gradients.e + at), of.f.write(gradients.f + at);
    of.b.write(gradients.b + at), of.c.write(gradients.c + at);
    unpad(length, H, width, below, du + first * H);
  });
}

#define DPLR_SSM(T)                                                  \
  template void dplr_ssm_forward<T>(Cpu, const DplrSsm<T>&, T*, T*); \
  template void dplr_ssm_backward<T>(Cpu, const DplrSsm<T>&, const T*, T*, const DplrSsmGradients<T>&);
DPLR_SSM(float)
DPLR_SSM(double)

}  // namespace lrurec::ops::kernels
