// Three ways to compute h_t = lambda h_{t-1} + x_t. The first is the definition; read it first.

#include <algorithm>
#include <vector>

#include "ops/linear_scan/kernels.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::cpu {
namespace {

/// Row numbers of one sequence in the direction of time: row(0) is its first step.
struct Rows {
  std::int64_t first, step, length;
  Rows(const ScanShape& shape, Time time, std::int64_t s)
      : first(time == Time::forward ? shape.offsets[s] : shape.offsets[s + 1] - 1),
        step(time == Time::forward ? 1 : -1),
        length(shape.offsets[s + 1] - shape.offsets[s]) {}
  std::int64_t operator()(std::int64_t t) const { return first + t * step; }
};

/// to = lambda * state + x over D channels. Written on parts: compilers vectorise this, not std::complex.
template <class T>
void step_row(std::int64_t D, const T* lambda, const T* state, const T* x, T* to) {
  if constexpr (is_complex_type<T>) {
    using R = real_type<T>;
    const R* l = reinterpret_cast<const R*>(lambda);
    const R* s = reinterpret_cast<const R*>(state);
    const R* in = reinterpret_cast<const R*>(x);
    R* out = reinterpret_cast<R*>(to);
#pragma omp simd
    for (std::int64_t d = 0; d < 2 * D; d += 2) {
      const R re = l[d] * s[d] - l[d + 1] * s[d + 1] + in[d];
      const R im = l[d] * s[d + 1] + l[d + 1] * s[d] + in[d + 1];
      out[d] = re;
      out[d + 1] = im;
    }
  } else {
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) to[d] = lambda[d] * state[d] + x[d];
  }
}

/// Steps begin .. end-1 of one sequence from `state` (nullptr: zeros).
template <class T>
void run_steps(const Rows& row, std::int64_t begin, std::int64_t end, std::int64_t D, const T* lambda,
               const T* x, const T* state, T* h) {
  for (std::int64_t t = begin; t < end; ++t) {
    T* to = h + row(t) * D;
    if (state == nullptr) {
      std::copy_n(x + row(t) * D, D, to);
    } else {
      step_row(D, lambda, state, x + row(t) * D, to);
    }
    state = to;
  }
}

std::int64_t tokens(const ScanShape& shape) { return shape.offsets[shape.sequences]; }

}  // namespace

template <class T>
void scan_sequential(const ScanShape& shape, Time time, const T* lambda, const T* x, const T* initial, T* h) {
  const std::int64_t D = shape.channels;
#pragma omp parallel for schedule(dynamic, 8) if (tokens(shape) * D > parallel_grain)
  for (std::int64_t s = 0; s < shape.sequences; ++s) {
    const Rows row(shape, time, s);
    run_steps(row, 0, row.length, D, lambda, x, initial == nullptr ? nullptr : initial + s * D, h);
  }
}

// Algorithm 1: pad on the left to a power of two, then join pairs of neighbours of length 1, 2, 4, ...:
// the second half of a pair becomes h2 + [lambda, lambda^2, ...] * (last row of the first half), equation 6.
// The padding rows are zero and stay zero, so they are never stored: position p < pad is skipped.
template <class T>
void scan_recursive(const ScanShape& shape, Time time, const T* lambda, const T* x, const T* initial, T* h) {
  const std::int64_t D = shape.channels;
#pragma omp parallel for schedule(dynamic, 1) if (tokens(shape) * D > parallel_grain)
  for (std::int64_t s = 0; s < shape.sequences; ++s) {
    const Rows row(shape, time, s);
    if (row.length == 0) continue;
    for (std::int64_t t = 0; t < row.length; ++t) {
      if (h != x) std::copy_n(x + row(t) * D, D, h + row(t) * D);
    }
    // h_1 = lambda h_0 + x_1: an initial state joins the first input.
    if (initial != nullptr) step_row(D, lambda, initial + s * D, h + row(0) * D, h + row(0) * D);

    std::int64_t padded = 1;
    while (padded < row.length) padded *= 2;
    const std::int64_t pad = padded - row.length;

    std::vector<T> powers(lambda, lambda + D);  // rows lambda^1 .. lambda^half
    for (std::int64_t half = 1; half < padded; half *= 2) {
      if (half > 1) {  // [La, La * La[-1]]
        const std::int64_t known = half / 2;
        powers.resize(static_cast<std::size_t>(half * D));
        for (std::int64_t i = 0; i < known * D; ++i) {
          powers[static_cast<std::size_t>(known * D + i)] =
              powers[static_cast<std::size_t>(i)] * powers[static_cast<std::size_t>((known - 1) * D + i % D)];
        }
      }
      for (std::int64_t start = 0; start < padded; start += 2 * half) {
        const std::int64_t last = start + half - 1 - pad;  // last row of the first half
        if (last < 0) continue;                            // a first half of padding adds nothing
        for (std::int64_t i = 0; i < half; ++i) {
          T* to = h + row(last + 1 + i) * D;
          step_row(D, powers.data() + i * D, h + row(last) * D, to, to);
        }
      }
    }
  }
}

// Time is cut into chunks. Each is scanned from zero, side by side; then the state is carried from chunk to
// chunk (carry = lambda^length carry + last row), and each chunk adds lambda^(i+1) times the carry that
// entered it.
template <class T>
void scan_chunked(const ScanShape& shape, Time time, const T* lambda, const T* x, const T* initial, T* h) {
  constexpr std::int64_t chunk = 64;
  const std::int64_t D = shape.channels;
  struct Chunk {
    std::int64_t sequence, begin, end;
  };
  std::vector<Chunk> chunks;
  for (std::int64_t s = 0; s < shape.sequences; ++s) {
    const std::int64_t length = Rows(shape, time, s).length;
    for (std::int64_t t = 0; t < length; t += chunk) chunks.push_back({s, t, std::min(length, t + chunk)});
  }
  const auto count = static_cast<std::int64_t>(chunks.size());
  const auto at = [&](std::int64_t c) -> const Chunk& { return chunks[static_cast<std::size_t>(c)]; };

  std::vector<T> powers(static_cast<std::size_t>(chunk * D));  // rows lambda^1 .. lambda^chunk
  std::copy_n(lambda, D, powers.data());
  for (std::int64_t i = D; i < chunk * D; ++i) {
    powers[static_cast<std::size_t>(i)] = powers[static_cast<std::size_t>(i - D)] * lambda[i % D];
  }

#pragma omp parallel for schedule(static) if (tokens(shape) * D > parallel_grain)
  for (std::int64_t c = 0; c < count; ++c) {
    run_steps<T>(Rows(shape, time, at(c).sequence), at(c).begin, at(c).end, D, lambda, x, nullptr, h);
  }

  // State entering each chunk: the only part that runs along the whole sequence.
  std::vector<T> carries(static_cast<std::size_t>(count * D));
  for (std::int64_t c = 0; c < count; ++c) {
    T* carry = carries.data() + c * D;
    if (at(c).begin == 0) {
      if (initial != nullptr) std::copy_n(initial + at(c).sequence * D, D, carry);
      continue;
    }
    const Rows row(shape, time, at(c).sequence);
    step_row(D, powers.data() + (chunk - 1) * D, carry - D, h + row(at(c).begin - 1) * D, carry);
  }

#pragma omp parallel for schedule(static) if (tokens(shape) * D > parallel_grain)
  for (std::int64_t c = 0; c < count; ++c) {
    if (at(c).begin == 0 && initial == nullptr) continue;
    const Rows row(shape, time, at(c).sequence);
    for (std::int64_t t = at(c).begin; t < at(c).end; ++t) {
      T* to = h + row(t) * D;
      step_row(D, powers.data() + (t - at(c).begin) * D, carries.data() + c * D, to, to);
    }
  }
}

template <class T>
void scan_lambda_gradient(const ScanShape& shape, const T* g, const T* h, const T* initial, T* dlambda) {
  using Sum = accumulator_type<T>;
  const std::int64_t D = shape.channels;
  const std::int64_t groups = std::min<std::int64_t>(shape.sequences, 64);
  std::vector<Sum> partial(static_cast<std::size_t>(groups * D));
#pragma omp parallel for schedule(dynamic, 1) if (tokens(shape) * D > parallel_grain)
  for (std::int64_t group = 0; group < groups; ++group) {
    Sum* total = partial.data() + group * D;
    for (std::int64_t s = shape.sequences * group / groups; s < shape.sequences * (group + 1) / groups; ++s) {
      const T* before = initial == nullptr ? nullptr : initial + s * D;
      for (std::int64_t t = shape.offsets[s]; t < shape.offsets[s + 1]; ++t) {
        const T* gradient = g + t * D;
        for (std::int64_t d = 0; before != nullptr && d < D; ++d)
          total[d] += Sum(gradient[d] * conjugate(before[d]));
        before = h + t * D;
      }
    }
  }
  for (std::int64_t d = 0; d < D; ++d) {
    Sum total{};
    for (std::int64_t group = 0; group < groups; ++group)
      total += partial[static_cast<std::size_t>(group * D + d)];
    dlambda[d] = T(total);
  }
}

#define SCAN(T)                                                                               \
  template void scan_sequential<T>(const ScanShape&, Time, const T*, const T*, const T*, T*); \
  template void scan_recursive<T>(const ScanShape&, Time, const T*, const T*, const T*, T*);  \
  template void scan_chunked<T>(const ScanShape&, Time, const T*, const T*, const T*, T*);    \
  template void scan_lambda_gradient<T>(const ScanShape&, const T*, const T*, const T*, T*);
SCAN(float)
SCAN(double)
SCAN(c64)
SCAN(c128)

}  // namespace lrurec::ops::cpu
