// Three ways to compute h_t = lambda h_{t-1} + x_t. Tests compare them with linear_scan_reference.h.

#include <algorithm>
#include <vector>

#include "ops/linear_scan/scan_rows.h"
#include "tensor/parallel_errors.h"

namespace lrurec::ops::kernels {
namespace {

/// The factor of a step: lambda, or conj(lambda) where time runs backwards.
template <class T>
std::vector<T> step_factors(const Scan<T>& scan) {
  std::vector<T> factors(scan.lambda, scan.lambda + scan.channels);
  if (scan.time == Time::reversed) {
    for (T& factor : factors) factor = conjugate(factor);
  }
  return factors;
}

/// Steps begin .. end-1 of sequence s from `state` (nullptr: zeros).
template <class T>
void run_steps(const Scan<T>& scan, std::int64_t s, std::int64_t begin, std::int64_t end, const T* lambda,
               const T* state) {
  const std::int64_t D = scan.channels;
  const TimeOrder row(scan, s);
  for (std::int64_t t = begin; t < end; ++t) {
    T* to = scan.h + row(t) * D;
    const T* x = scan.x + row(t) * D;
    if (t == 0) {
      first_input(scan, s, row(t), to);
      x = to;
    }
    if (state != nullptr) {
      step_row<false>(D, lambda, state, x, to);
    } else if (x != to) {
      std::copy_n(x, D, to);
    }
    state = to;
  }
}

/// dlambda[d] = sum over all tokens of g[t, d] conj(h[t-1, d]). Sequences are summed in fixed groups, so the
/// bits do not depend on the number of threads.
template <class T>
void lambda_gradient(const Scan<T>& scan) {
  using Sum = accumulator_type<T>;
  const std::int64_t D = scan.channels;
  const std::int64_t groups = std::min<std::int64_t>(scan.sequences, 64);
  std::vector<Sum> partial(static_cast<std::size_t>(groups * D));
#pragma omp parallel for schedule(dynamic, 1) if (worth_threads(scan))
  for (std::int64_t group = 0; group < groups; ++group) {
    Sum* total = partial.data() + group * D;
    for (std::int64_t s = scan.sequences * group / groups; s < scan.sequences * (group + 1) / groups; ++s) {
      const T* before = scan.states_initial == nullptr ? nullptr : scan.states_initial + s * D;
      for (std::int64_t t = scan.offsets[s]; t < scan.offsets[s + 1]; ++t) {
        const T* gradient = scan.h + t * D;
        for (std::int64_t d = 0; before != nullptr && d < D; ++d)
          total[d] += Sum(gradient[d] * conjugate(before[d]));
        before = scan.states + t * D;
      }
    }
  }
  for (std::int64_t d = 0; d < D; ++d) {
    Sum total{};
    for (std::int64_t group = 0; group < groups; ++group)
      total += partial[static_cast<std::size_t>(group * D + d)];
    scan.dlambda[d] = T(total);
  }
}

/// What every algorithm computes from the finished states: the ends of sequences and the gradient of lambda.
template <class T>
void finish(const Scan<T>& scan, const T* lambda) {
  const std::int64_t D = scan.channels;
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    const TimeOrder row(scan, s);
    const T* last = row.length > 0 ? scan.h + row(row.length - 1) * D : nullptr;
    for (std::int64_t d = 0; scan.final_state != nullptr && d < D; ++d) {
      const T given = scan.initial != nullptr ? scan.initial[s * D + d] : T{};
      scan.final_state[s * D + d] = last != nullptr ? last[d] : given;
    }
    for (std::int64_t d = 0; scan.carried_out != nullptr && d < D; ++d) {
      const T given = scan.add_first != nullptr ? scan.add_first[s * D + d] : T{};
      scan.carried_out[s * D + d] = last != nullptr ? lambda[d] * last[d] : given;
    }
  }
  if (scan.dlambda != nullptr) lambda_gradient(scan);
}

}  // namespace

template <class T>
void scan_sequential(Cpu, const Scan<T>& scan) {
  const std::vector<T> lambda = step_factors(scan);
#pragma omp parallel for schedule(dynamic, 8) if (worth_threads(scan))
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    run_steps(scan, s, 0, TimeOrder(scan, s).length, lambda.data(),
              scan.initial == nullptr ? nullptr : scan.initial + s * scan.channels);
  }
  finish(scan, lambda.data());
}

// Algorithm 1: pad on the left to a power of two, then join pairs of neighbours of length 1, 2, 4, ...:
// the second half of a pair becomes h2 + [lambda, lambda^2, ...] * (last row of the first half), equation 6.
// The padding rows are zero and stay zero, so they are never stored: position p < pad is skipped.
template <class T>
void scan_recursive(Cpu, const Scan<T>& scan) {
  const std::int64_t D = scan.channels;
  const std::vector<T> lambda = step_factors(scan);
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (worth_threads(scan))
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    errors.attempt([&] {
      const TimeOrder row(scan, s);
      if (row.length == 0) return;
      for (std::int64_t t = 1; t < row.length && scan.h != scan.x; ++t) {
        std::copy_n(scan.x + row(t) * D, D, scan.h + row(t) * D);
      }
      T* first = scan.h + row(0) * D;
      first_input(scan, s, row(0), first);
      // h_1 = lambda h_0 + x_1: an initial state joins the first input.
      if (scan.initial != nullptr) step_row<false>(D, lambda.data(), scan.initial + s * D, first, first);

      std::int64_t padded = 1;
      while (padded < row.length) padded *= 2;
      const std::int64_t pad = padded - row.length;

      std::vector<T> powers = lambda;  // rows lambda^1 .. lambda^half
      for (std::int64_t half = 1; half < padded; half *= 2) {
        if (half > 1) {  // [La, La * La[-1]]
          const std::int64_t known = half / 2;
          powers.resize(static_cast<std::size_t>(half * D));
          for (std::int64_t i = 0; i < known * D; ++i) {
            powers[static_cast<std::size_t>(known * D + i)] =
                powers[static_cast<std::size_t>(i)] *
                powers[static_cast<std::size_t>((known - 1) * D + i % D)];
          }
        }
        for (std::int64_t start = 0; start < padded; start += 2 * half) {
          const std::int64_t last = start + half - 1 - pad;  // last row of the first half
          if (last < 0) continue;                            // a first half of padding adds nothing
          for (std::int64_t i = 0; i < half; ++i) {
            T* to = scan.h + row(last + 1 + i) * D;
            step_row<false>(D, powers.data() + i * D, scan.h + row(last) * D, to, to);
          }
        }
      }
    });
  }
  errors.rethrow();
  finish(scan, lambda.data());
}

// Time is cut into chunks. Each is scanned from zero, side by side; then the state is carried from chunk to
// chunk (carry = lambda^length carry + last row), and each chunk adds lambda^(i+1) times the carry that
// entered it.
template <class T>
void scan_chunked(Cpu, const Scan<T>& scan) {
  constexpr std::int64_t chunk = 64;
  const std::int64_t D = scan.channels;
  const std::vector<T> lambda = step_factors(scan);
  struct Chunk {
    std::int64_t sequence, begin, end;
  };
  std::vector<Chunk> chunks;
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    const std::int64_t length = TimeOrder(scan, s).length;
    for (std::int64_t t = 0; t < length; t += chunk) chunks.push_back({s, t, std::min(length, t + chunk)});
  }
  const auto count = static_cast<std::int64_t>(chunks.size());
  const auto at = [&](std::int64_t c) -> const Chunk& { return chunks[static_cast<std::size_t>(c)]; };

  std::vector<T> powers(static_cast<std::size_t>(chunk * D));  // rows lambda^1 .. lambda^chunk
  std::copy(lambda.begin(), lambda.end(), powers.begin());
  for (std::int64_t i = D; i < chunk * D; ++i) {
    powers[static_cast<std::size_t>(i)] =
        powers[static_cast<std::size_t>(i - D)] * lambda[static_cast<std::size_t>(i % D)];
  }

#pragma omp parallel for schedule(static) if (worth_threads(scan))
  for (std::int64_t c = 0; c < count; ++c) {
    run_steps<T>(scan, at(c).sequence, at(c).begin, at(c).end, lambda.data(), nullptr);
  }

  // State entering each chunk: the only part that runs along the whole sequence.
  std::vector<T> carries(static_cast<std::size_t>(count * D));
  for (std::int64_t c = 0; c < count; ++c) {
    T* carry = carries.data() + c * D;
    if (at(c).begin == 0) {
      if (scan.initial != nullptr) std::copy_n(scan.initial + at(c).sequence * D, D, carry);
      continue;
    }
    const TimeOrder row(scan, at(c).sequence);
    step_row<false>(D, powers.data() + (chunk - 1) * D, carry - D, scan.h + row(at(c).begin - 1) * D, carry);
  }

#pragma omp parallel for schedule(static) if (worth_threads(scan))
  for (std::int64_t c = 0; c < count; ++c) {
    if (at(c).begin == 0 && scan.initial == nullptr) continue;
    const TimeOrder row(scan, at(c).sequence);
    for (std::int64_t t = at(c).begin; t < at(c).end; ++t) {
      T* to = scan.h + row(t) * D;
      step_row<false>(D, powers.data() + (t - at(c).begin) * D, carries.data() + c * D, to, to);
    }
  }
  finish(scan, lambda.data());
}

#define SCAN(T)                                          \
  template void scan_sequential<T>(Cpu, const Scan<T>&); \
  template void scan_recursive<T>(Cpu, const Scan<T>&);  \
  template void scan_chunked<T>(Cpu, const Scan<T>&);
SCAN(float)
SCAN(double)
SCAN(c64)
SCAN(c128)

}  // namespace lrurec::ops::kernels
