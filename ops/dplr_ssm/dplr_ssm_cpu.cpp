// A thread takes a sequence. Vectors go along channels. For each vector, all states walk the tokens together,
// in cache, since each step needs a sum over all of them (rho). The sum for the next step is made while the
// states of this one are at hand.

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

/// The backward pass of one sequence for W channels after the other; names as in dplr_ssm.h.
template <class T>
struct DplrBackward {
  using Batch = xsimd::batch<T>;
  static constexpr auto W = Panels<T>::W;

  const Matrices<T>& m;
  std::int64_t N, length, width;
  Scratch<T> u, dy, du;  ///< [length, width]
  Scratch<T> rhos;       ///< [length + 1, W], for the current channels
  Scratch<T> states;     ///< [length + 1, N, 2, W]: those before each token, from s_0 = 0 on
  Panels<T> g;           ///< for the current channels
  Matrices<T> dm;

  DplrBackward(const DplrSsm<T>& in, const Matrices<T>& matrices, const T* dy_rows, std::int64_t first,
               std::int64_t tokens)
      : m(matrices),
        N(in.N),
        length(tokens),
        width(up_to_multiple(in.H, W)),
        u(padded(length, in.H, width, in.u + first * in.H)),
        dy(padded(length, in.H, width, dy_rows + first * in.H)),
        du(length * width, T(0)),
        rhos((length + 1) * W, T(0)),
        states((length + 1) * N * 2 * W, T(0)),
        g(W, N),
        dm(in.H, N) {}

  T* state(std::int64_t t, std::int64_t n) const { return states.data() + (t * N + n) * 2 * W; }
  Complex<T> load_state(std::int64_t t, std::int64_t n) const {
    return {Batch::load_unaligned(state(t, n)), Batch::load_unaligned(state(t, n) + W)};
  }

  /// The forward pass of channels h .. h + W - 1, with all states kept.
  void states_again(std::int64_t h) {
    for (std::int64_t t = 0; t < length; ++t) {
      const Batch input = Batch::load_unaligned(u.data() + t * width + h),
                  rho = Batch::load_unaligned(rhos.data() + t * W);
      Batch next_rho(T(0));
      for (std::int64_t n = 0; n < N; ++n) {
        const auto s = step(m, h, n, load_state(t, n), rho, input);
        s.re.store_unaligned(state(t + 1, n)), s.im.store_unaligned(state(t + 1, n) + W);
        next_rho += real_of_product(Complex<T>::load(m.f, h, n), s);
      }
      (next_rho + next_rho).store_unaligned(rhos.data() + (t + 1) * W);
    }
  }

  /// From the last token to the first: du, and the tokens' parts of the gradients of the matrices.
  void walk_back(std::int64_t h) {
    for (std::int64_t n = 0; n < N; ++n) Complex<T>{}.store(g, 0, n);
    Batch next_drho(T(0));  // twice
    for (std::int64_t t = length - 1; t >= 0; --t) {
      const Batch d = Batch::load_unaligned(dy.data() + t * width + h), twice_dy = d + d,
                  input = Batch::load_unaligned(u.data() + t * width + h),
                  rho = Batch::load_unaligned(rhos.data() + t * W);
      Batch du_t(T(0)), drho(T(0));
      for (std::int64_t n = 0; n < N; ++n) {
        const auto a = Complex<T>::load(m.a, h, n), s = load_state(t + 1, n), before = load_state(t, n);
        Complex<T> g_n = Complex<T>::load(g, 0, n);
        g_n = {a.re * g_n.re + a.im * g_n.im, a.re * g_n.im - a.im * g_n.re};
        g_n = plus_conjugate(plus_conjugate(g_n, Complex<T>::load(m.f, h, n), next_drho),
                             Complex<T>::load(m.c, h, n), twice_dy);
        g_n.store(g, 0, n);
        du_t += real_of_conjugate_product(Complex<T>::load(m.b, h, n), g_n);
        drho -= real_of_conjugate_product(Complex<T>::load(m.e, h, n), g_n);
        const auto add = [&](Panels<T>& panels, const auto& change) {
          auto sum = Complex<T>::load(panels, h, n);
          change(sum);
          sum.store(panels, h, n);
        };
        add(dm.a, [&](auto& sum) { add_conjugate_product(sum, g_n, before); });
        add(dm.e, [&](auto& sum) { sum.re -= g_n.re * rho, sum.im -= g_n.im * rho; });
        add(dm.f, [&](auto& sum) { sum = plus_conjugate(sum, s, next_drho); });
        add(dm.b, [&](auto& sum) { sum.re += g_n.re * input, sum.im += g_n.im * input; });
        add(dm.c, [&](auto& sum) { sum = plus_conjugate(sum, s, twice_dy); });
      }
      next_drho = drho + drho;
      du_t.store_unaligned(du.data() + t * width + h);
    }
  }
};

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
  const std::int64_t H = in.H;
  const Matrices<T> m(in);
  for_sequences(in, [&](std::int64_t q, std::int64_t first, std::int64_t length) {
    DplrBackward<T> pass(in, m, dy, first, length);
    for (std::int64_t h = 0; h < H; h += pass.W) {
      pass.states_again(h);
      pass.walk_back(h);
    }
    const std::int64_t at = q * H * in.N * 2;
    pass.dm.a.write(gradients.a + at), pass.dm.e.write(gradients.e + at), pass.dm.f.write(gradients.f + at);
    pass.dm.b.write(gradients.b + at), pass.dm.c.write(gradients.c + at);
    unpad(length, H, pass.width, pass.du, du + first * H);
  });
}

#define DPLR_SSM(T)                                                  \
  template void dplr_ssm_forward<T>(Cpu, const DplrSsm<T>&, T*, T*); \
  template void dplr_ssm_backward<T>(Cpu, const DplrSsm<T>&, const T*, T*, const DplrSsmGradients<T>&);
DPLR_SSM(float)
DPLR_SSM(double)

}  // namespace lrurec::ops::kernels
