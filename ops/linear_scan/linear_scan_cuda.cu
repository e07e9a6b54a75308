// The recurrence on a GPU, three ways. The fast one is scan_chunked (ops/primitives/recurrence_cuda.h).

#include "ops/linear_scan/kernels.h"
#include "ops/primitives/column_sum_cuda.h"
#include "ops/primitives/recurrence_cuda.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::times, cuda::times_plus;

constexpr int scan_threads = 128;

/// Row numbers of a sequence in the direction of time: row(0) is its first step.
struct TimeOrder {
  std::int64_t begin, end;
  bool reversed;
  __device__ TimeOrder(const std::int64_t* offsets, std::int64_t s, bool backwards)
      : begin(offsets[s]), end(offsets[s + 1]), reversed(backwards) {}
  __device__ std::int64_t length() const { return end - begin; }
  __device__ std::int64_t operator()(std::int64_t t) const { return reversed ? end - 1 - t : begin + t; }
};

/// The scan as kernels see it: complex numbers of the device's library.
template <class V>
struct Arguments {
  std::int64_t sequences, D;
  const std::int64_t* offsets;
  bool reversed;
  const V *lambda, *x, *initial, *add_first, *states, *states_initial;
  V *h, *final_state, *carried_out;

  template <class T>
  explicit Arguments(const Scan<T>& s)
      : sequences(s.sequences),
        D(s.channels),
        offsets(s.offsets),
        reversed(s.time == Time::reversed),
        lambda(elements(s.lambda)),
        x(elements(s.x)),
        initial(elements(s.initial)),
        add_first(elements(s.add_first)),
        states(elements(s.states)),
        states_initial(elements(s.states_initial)),
        h(elements(s.h)),
        final_state(elements(s.final_state)),
        carried_out(elements(s.carried_out)) {}

  __device__ V factor(std::int64_t d) const { return reversed ? cuda::conjugate(lambda[d]) : lambda[d]; }
};

/// h_t = lambda h_{t-1} + x_t: thread (s, d) waits for memory once a step.
template <class V>
__global__ void sequential_kernel(Arguments<V> a) {
  for (std::int64_t i = global_thread(); i < a.sequences * a.D; i += grid_threads()) {
    const std::int64_t s = i / a.D, d = i % a.D;
    const TimeOrder row(a.offsets, s, a.reversed);
    V state = a.initial != nullptr ? a.initial[i] : V(0);
    for (std::int64_t t = 0; t < row.length(); ++t) {
      const std::int64_t at = row(t) * a.D + d;
      V x = a.x[at];
      if (t == 0 && a.add_first != nullptr) x += a.add_first[i];
      state = times_plus(a.factor(d), state, x);
      a.h[at] = state;
    }
  }
}

/// Algorithm 1 begins with the inputs; an initial state joins the first of them.
template <class V>
__global__ void recursive_start_kernel(Arguments<V> a) {
  const TimeOrder row(a.offsets, blockIdx.x, a.reversed);
  for (std::int64_t i = threadIdx.x; i < row.length() * a.D; i += blockDim.x) {
    const std::int64_t t = i / a.D, d = i % a.D, at = row(t) * a.D + d, first = blockIdx.x * a.D + d;
    V x = a.x[at];
    if (t == 0 && a.add_first != nullptr) x += a.add_first[first];
    if (t == 0 && a.initial != nullptr) x = times_plus(a.factor(d), a.initial[first], x);
    a.h[at] = x;
  }
}

/// Joins neighbouring runs of `half` positions: the second of a pair gains [lambda, lambda^2, ...] times the
/// last row of the first (equation 6). The padding on the left to a power of two is never stored.
template <class V>
__global__ void recursive_join_kernel(Arguments<V> a, std::int64_t half) {
  const TimeOrder row(a.offsets, blockIdx.x, a.reversed);
  std::int64_t padded = 1;
  while (padded < row.length()) padded *= 2;
  if (half >= padded) return;
  const std::int64_t pad = padded - row.length();
  const auto product = [](const V& x, const V& y) { return times(x, y); };
  for (std::int64_t i = threadIdx.x; i < row.length() * a.D; i += blockDim.x) {
    const std::int64_t t = i / a.D, d = i % a.D, position = t + pad, run = position / half;
    const std::int64_t last = run * half - 1 - pad;
    if (run % 2 == 0 || last < 0) continue;
    const V power = cuda::power(a.factor(d), position % half + 1, V(1), product);
    V& h = a.h[row(t) * a.D + d];
    h = times_plus(power, a.h[row(last) * a.D + d], h);
  }
}

/// final_state and carried_out from the finished rows.
template <class V>
__global__ void ends_kernel(Arguments<V> a) {
  for (std::int64_t i = global_thread(); i < a.sequences * a.D; i += grid_threads()) {
    const std::int64_t d = i % a.D;
    const TimeOrder row(a.offsets, i / a.D, a.reversed);
    const bool empty = row.length() == 0;
    if (a.final_state != nullptr) {
      const V given = a.initial != nullptr ? a.initial[i] : V(0);
      a.final_state[i] = empty ? given : a.h[row(row.length() - 1) * a.D + d];
    }
    if (a.carried_out != nullptr) {
      const V given = a.add_first != nullptr ? a.add_first[i] : V(0);
      a.carried_out[i] = empty ? given : times(a.factor(d), a.h[row(row.length() - 1) * a.D + d]);
    }
  }
}

/// partial[s, d] = sum over the sequence of h_t conj(states_{t-1})
template <class V>
__global__ void lambda_gradient_kernel(Arguments<V> a, V* partial) {
  for (std::int64_t i = global_thread(); i < a.sequences * a.D; i += grid_threads()) {
    const std::int64_t s = i / a.D, d = i % a.D;
    V before = a.states_initial != nullptr ? a.states_initial[i] : V(0), sum = V(0);
    for (std::int64_t t = a.offsets[s]; t < a.offsets[s + 1]; ++t) {
      sum = times_plus(a.h[t * a.D + d], cuda::conjugate(before), sum);
      before = a.states[t * a.D + d];
    }
    partial[i] = sum;
  }
}

/// The ends of sequences and the gradient of lambda, after the two simple scans.
template <class T>
void finish(const Scan<T>& scan) {
  using V = element<T>;
  const Arguments<V> a(scan);
  const int blocks = cuda::blocks_for(a.sequences * a.D, scan_threads);
  if (a.final_state != nullptr || a.carried_out != nullptr) {
    cuda::launch("linear_scan", ends_kernel<V>, blocks, scan_threads, 0, a);
  }
  if (scan.dlambda != nullptr) {
    const cuda::Scratch<T> partial(a.sequences * a.D);
    cuda::launch("linear_scan", lambda_gradient_kernel<V>, blocks, scan_threads, 0, a,
                 elements(partial.data()));
    cuda::column_sum(a.sequences, a.D, partial.data(), scan.dlambda);
  }
}

template <bool reversed, bool lambda_gradient, class T>
void chunked(const Scan<T>& s) {
  using V = element<T>;
  using In = cuda::ElementRows<V>;
  const cuda::ScanSequences sequences{s.sequences, s.channels, s.host_offsets, s.offsets};
  // One type serves for rows that are read and rows that are written; x and states are only read.
  const In x{const_cast<V*>(elements(s.x)), s.channels};
  cuda::LambdaGradient<V, In> gradient;
  const std::int64_t pieces = lambda_gradient ? cuda::scan_pieces(sequences) : 0;
  const cuda::Scratch<V> partial(pieces * s.channels);
  if constexpr (lambda_gradient) {
    gradient = {partial.data(), {const_cast<V*>(elements(s.states)), s.channels}, elements(s.states_initial)};
  }
  cuda::scan<reversed, lambda_gradient>("linear_scan", sequences, elements(s.lambda), x,
                                        In{elements(s.h), s.channels},
                                        cuda::ScanEnds<V>{elements(s.initial), elements(s.add_first),
                                                          elements(s.final_state), elements(s.carried_out)},
                                        gradient);
  if constexpr (lambda_gradient) {
    cuda::column_sum(pieces, s.channels, reinterpret_cast<const T*>(partial.data()), s.dlambda);
  }
}

}  // namespace

template <class T>
void scan_sequential(Cuda, const Scan<T>& scan) {
  using V = element<T>;
  const std::int64_t count = scan.sequences * scan.channels;
  cuda::launch("linear_scan", sequential_kernel<V>, cuda::blocks_for(count, scan_threads), scan_threads, 0,
               Arguments<V>(scan));
  finish(scan);
}

template <class T>
void scan_recursive(Cuda, const Scan<T>& scan) {
  using V = element<T>;
  const Arguments<V> a(scan);
  const auto blocks = static_cast<unsigned>(scan.sequences);
  std::int64_t longest = 0;
  for (std::int64_t s = 0; s < scan.sequences; ++s) {
    longest = std::max(longest, scan.host_offsets[s + 1] - scan.host_offsets[s]);
  }
  cuda::launch("linear_scan", recursive_start_kernel<V>, blocks, 256, 0, a);
  for (std::int64_t half = 1; half < longest; half *= 2) {
    cuda::launch("linear_scan", recursive_join_kernel<V>, blocks, 256, 0, a, half);
  }
  finish(scan);
}

template <class T>
void scan_chunked(Cuda, const Scan<T>& scan) {
  if (scan.time == Time::forward) {
    chunked<false, false>(scan);
  } else if (scan.dlambda != nullptr) {
    chunked<true, true>(scan);
  } else {
    chunked<true, false>(scan);
  }
}

#define SCAN(T)                                        \
  template void scan_sequential(Cuda, const Scan<T>&); \
  template void scan_recursive(Cuda, const Scan<T>&);  \
  template void scan_chunked(Cuda, const Scan<T>&);
SCAN(float)
SCAN(double)
SCAN(c64)
SCAN(c128)

}  // namespace lrurec::ops::kernels
