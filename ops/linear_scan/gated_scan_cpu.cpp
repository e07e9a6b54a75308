// h_t = lambda_t h_{t-1} + x_t, three ways. Tests compare them with linear_scan_reference.h.

#include <vector>

#include "ops/linear_scan/scan_rows.h"
#include "tensor/parallel_errors.h"

namespace lrurec::ops::kernels {
namespace {

/// The lambda of the step that writes `row`. Backwards in time it is that of row + 1, where the step comes
/// from; the first step backwards has none.
template <bool reversed, class T>
const T* gate(const Scan<T>& scan, std::int64_t row) {
  return scan.lambda + (reversed ? row + 1 : row) * scan.channels;
}

/// dlambda of `row` in sequence s: h conj(state of the row before).
template <class T>
void gate_gradient(const Scan<T>& scan, std::int64_t s, std::int64_t row) {
  const std::int64_t D = scan.channels;
  const T* h = scan.h + row * D;
  T* to = scan.dlambda + row * D;
  const T* before = scan.states + (row - 1) * D;
  if (row == scan.offsets[s]) before = scan.states_initial == nullptr ? nullptr : scan.states_initial + s * D;
  if (before == nullptr) {
    std::fill_n(to, D, T{});
  } else if constexpr (is_complex_type<T>) {
    using R = real_type<T>;
    const R *a = reinterpret_cast<const R*>(h), *b = reinterpret_cast<const R*>(before);
    R* c = reinterpret_cast<R*>(to);
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) {
      c[2 * d] = a[2 * d] * b[2 * d] + a[2 * d + 1] * b[2 * d + 1];
      c[2 * d + 1] = a[2 * d + 1] * b[2 * d] - a[2 * d] * b[2 * d + 1];
    }
  } else {
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) to[d] = h[d] * before[d];
  }
}

/// Steps begin .. end-1 of sequence s from `state` (nullptr: zeros).
template <bool reversed, class T>
void gated_steps(const Scan<T>& scan, std::int64_t s, std::int64_t begin, std::int64_t end, const T* state) {
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
      step_row<reversed>(D, gate<reversed>(scan, row(t)), state, x, to);
    } else if (x != to) {
      std::copy_n(x, D, to);
    }
    state = to;
    if (scan.dlambda != nullptr) gate_gradient(scan, s, row(t));
  }
}

/// The state that sequence s starts from.
template <class T>
const T* start(const Scan<T>& scan, std::int64_t s) {
  return scan.initial == nullptr ? nullptr : scan.initial + s * scan.channels;
}

/// Writes final_state and carried_out of every sequence, where they are wanted.
template <class T>
void gated_ends(const Scan<T>& scan) {
  const std::int64_t D = scan.channels;
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    const TimeOrder row(scan, s);
    const std::int64_t last = row(row.length - 1) * D;
    for (std::int64_t d = 0; scan.final_state != nullptr && d < D; ++d) {
      const T given = scan.initial != nullptr ? scan.initial[s * D + d] : T{};
      scan.final_state[s * D + d] = row.length > 0 ? scan.h[last + d] : given;
    }
    for (std::int64_t d = 0; scan.carried_out != nullptr && d < D; ++d) {
      const T given = scan.add_first != nullptr ? scan.add_first[s * D + d] : T{};
      scan.carried_out[s * D + d] =
          row.length > 0 ? conjugate(scan.lambda[last + d]) * scan.h[last + d] : given;
    }
  }
}

template <bool reversed, class T>
void gated_sequential(const Scan<T>& scan) {
#pragma omp parallel for schedule(dynamic, 8) if (worth_threads(scan))
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    gated_steps<reversed>(scan, s, 0, TimeOrder(scan, s).length, start(scan, s));
  }
  gated_ends(scan);
}

/// Joins neighbouring runs of 1, 2, 4, ... steps of sequence s, in the order of time. For each step t, h(t)
/// is the state that its run reaches from zero, and products(t) the product of the run's lambdas, both up to
/// t.
template <bool reversed, class T>
void join_runs(const Scan<T>& scan, std::int64_t s) {
  const std::int64_t D = scan.channels;
  const TimeOrder row(scan, s);
  std::vector<T> all(static_cast<std::size_t>(row.length * D));
  const std::vector<T> zeros(static_cast<std::size_t>(D));
  const auto products = [&](std::int64_t t) { return all.data() + t * D; };
  const auto h = [&](std::int64_t t) { return scan.h + row(t) * D; };
  for (std::int64_t t = 0; t < row.length; ++t) {
    if (t == 0) {
      first_input(scan, s, row(t), h(t));
    } else {
      std::copy_n(scan.x + row(t) * D, D, h(t));
    }
    if (reversed && t == 0) continue;
    const T* lambda = gate<reversed>(scan, row(t));
    if (t == 0 && scan.initial != nullptr) step_row<reversed>(D, lambda, start(scan, s), h(t), h(t));
    for (std::int64_t d = 0; d < D; ++d) products(t)[d] = reversed ? conjugate(lambda[d]) : lambda[d];
  }
  for (std::int64_t half = 1; half < row.length; half *= 2) {
    for (std::int64_t begin = half; begin < row.length; begin += 2 * half) {
      for (std::int64_t t = begin; t < std::min(begin + half, row.length); ++t) {
        step_row<false>(D, products(t), h(begin - 1), h(t), h(t));
        step_row<false>(D, products(t), products(begin - 1), zeros.data(), products(t));
      }
    }
  }
  for (std::int64_t t = 0; scan.dlambda != nullptr && t < row.length; ++t) gate_gradient(scan, s, row(t));
}

template <bool reversed, class T>
void gated_recursive(const Scan<T>& scan) {
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 1) if (worth_threads(scan))
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    errors.attempt([&] { join_runs<reversed>(scan, s); });
  }
  errors.rethrow();
  gated_ends(scan);
}

/// Steps begin .. end-1 of a sequence, the state they reach from zero, and the product of their lambdas.
template <class T>
struct GatedChunk {
  std::int64_t sequence, begin, end;
  T *state, *product;
};

template <bool reversed, class T>
void gated_summary(const Scan<T>& scan, const GatedChunk<T>& chunk, const T* zeros) {
  const std::int64_t D = scan.channels;
  const TimeOrder row(scan, chunk.sequence);
  std::int64_t t = chunk.begin;
  if (t == 0) {
    first_input(scan, chunk.sequence, row(t), chunk.state);
  } else {
    std::copy_n(scan.x + row(t) * D, D, chunk.state);
  }
  if (!reversed || t > 0) {
    const T* lambda = gate<reversed>(scan, row(t));
    for (std::int64_t d = 0; d < D; ++d) chunk.product[d] = reversed ? conjugate(lambda[d]) : lambda[d];
  }
  for (++t; t < chunk.end; ++t) {
    const T* lambda = gate<reversed>(scan, row(t));
    step_row<reversed>(D, lambda, chunk.state, scan.x + row(t) * D, chunk.state);
    step_row<reversed>(D, lambda, chunk.product, zeros, chunk.product);
  }
}

template <bool reversed, class T>
void gated_chunked(const Scan<T>& scan) {
  constexpr std::int64_t steps = 64;
  const std::int64_t D = scan.channels;
  std::vector<GatedChunk<T>> chunks;
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    const std::int64_t length = TimeOrder(scan, s).length;
    for (std::int64_t t = 0; t < length; t += steps) {
      chunks.push_back({s, t, std::min(length, t + steps), nullptr, nullptr});
    }
  }
  const auto count = static_cast<std::int64_t>(chunks.size());
  const auto at = [&](std::int64_t c) -> GatedChunk<T>& { return chunks[static_cast<std::size_t>(c)]; };
  const auto ends_sequence = [&](std::int64_t c) { return c + 1 == count || at(c + 1).begin == 0; };
  std::vector<T> memory(static_cast<std::size_t>(2 * count * D)),
      entering(static_cast<std::size_t>(count * D));
  const std::vector<T> zeros(static_cast<std::size_t>(D));
  for (std::int64_t c = 0; c < count; ++c) {
    at(c).state = memory.data() + 2 * c * D;
    at(c).product = at(c).state + D;
  }

#pragma omp parallel for schedule(static) if (worth_threads(scan))
  for (std::int64_t c = 0; c < count; ++c) {
    if (!ends_sequence(c)) gated_summary<reversed>(scan, at(c), zeros.data());
  }

  // The only part that runs along the whole sequence.
  for (std::int64_t c = 0; c < count; ++c) {
    T* state = entering.data() + c * D;
    if (at(c).begin > 0) {
      step_row<false>(D, at(c - 1).product, state - D, at(c - 1).state, state);
    } else if (scan.initial != nullptr) {
      std::copy_n(start(scan, at(c).sequence), D, state);
    }
  }

#pragma omp parallel for schedule(static) if (worth_threads(scan))
  for (std::int64_t c = 0; c < count; ++c) {
    const bool from_zero = at(c).begin == 0 && scan.initial == nullptr;
    gated_steps<reversed, T>(scan, at(c).sequence, at(c).begin, at(c).end,
                             from_zero ? nullptr : entering.data() + c * D);
  }
  gated_ends(scan);
}

}  // namespace

template <class T>
void gated_scan_sequential(Cpu, const Scan<T>& scan) {
  scan.time == Time::forward ? gated_sequential<false>(scan) : gated_sequential<true>(scan);
}

template <class T>
void gated_scan_recursive(Cpu, const Scan<T>& scan) {
  scan.time == Time::forward ? gated_recursive<false>(scan) : gated_recursive<true>(scan);
}

template <class T>
void gated_scan_chunked(Cpu, const Scan<T>& scan) {
  scan.time == Time::forward ? gated_chunked<false>(scan) : gated_chunked<true>(scan);
}

#define GATED_SCAN(T)                                          \
  template void gated_scan_sequential<T>(Cpu, const Scan<T>&); \
  template void gated_scan_recursive<T>(Cpu, const Scan<T>&);  \
  template void gated_scan_chunked<T>(Cpu, const Scan<T>&);
GATED_SCAN(float)
GATED_SCAN(double)
GATED_SCAN(c64)
GATED_SCAN(c128)

}  // namespace lrurec::ops::kernels
