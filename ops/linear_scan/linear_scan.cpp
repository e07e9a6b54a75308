#include "ops/linear_scan/linear_scan.h"

#include <omp.h>

#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/kernels.h"
#include "ops/linear_scan/offsets.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

std::string_view name(ScanAlgorithm algorithm) {
  switch (algorithm) {
    case ScanAlgorithm::sequential:
      return "sequential";
    case ScanAlgorithm::recursive:
      return "recursive";
    case ScanAlgorithm::chunked:
      return "chunked";
    case ScanAlgorithm::automatic:
      return "automatic";
  }
  return "?";
}

void check_offsets(std::string_view op, const Tensor& offsets, std::int64_t tokens) {
  if (offsets.rank() != 1 || offsets.dtype() != DType::i64 || offsets.numel() < 1) {
    fail_op(op, "offsets: {} {} must be i64 [S + 1]", name(offsets.dtype()), offsets.shape().str());
  }
  const auto at = offsets.to_vector<std::int64_t>();
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    if (at[s] > at[s + 1]) fail_op(op, "offsets fall from {} to {} at sequence {}", at[s], at[s + 1], s);
  }
  if (at.front() != 0 || at.back() != tokens) {
    fail_op(op, "offsets run from {} to {}, x has {} tokens", at.front(), at.back(), tokens);
  }
}

namespace {

void check(const Tensor& lambda, const Tensor& x, const Tensor& offsets, const Tensor& initial) {
  if (lambda.rank() != 1 || x.rank() != 2 || x.size(1) != lambda.size(0) || x.dtype() != lambda.dtype()) {
    fail_op("linear_scan", "lambda: {} {} and x: {} {}: they must be [D] and [tokens, D] of one dtype",
            name(lambda.dtype()), lambda.shape().str(), name(x.dtype()), x.shape().str());
  }
  check_offsets("linear_scan", offsets, x.size(0));
  if (initial.defined() &&
      (initial.shape() != Shape{offsets.numel() - 1, x.size(1)} || initial.dtype() != x.dtype())) {
    fail_op("linear_scan", "initial: {} {} must be {} [{}, {}]", name(initial.dtype()), initial.shape().str(),
            name(x.dtype()), offsets.numel() - 1, x.size(1));
  }
}

/// Chunks pay twice for the arithmetic: worth it only where time is the only thing left to share out.
ScanAlgorithm choose(ScanAlgorithm algorithm, const Tensor& x, const Tensor& offsets) {
  if (algorithm != ScanAlgorithm::automatic) return algorithm;
  const std::int64_t sequences = offsets.numel() - 1;
  const bool few = sequences < omp_get_max_threads() && x.size(0) >= 1024 * sequences;
  return few ? ScanAlgorithm::chunked : ScanAlgorithm::sequential;
}

/// The scan in either direction of time on the CPU; all tensors dense.
Tensor scan(const Tensor& lambda, const Tensor& x, const Tensor& offsets, const Tensor& initial,
            cpu::Time time, ScanAlgorithm algorithm) {
  Tensor h = Tensor::empty(x.shape(), x.dtype());
  const cpu::ScanShape shape{offsets.numel() - 1, x.size(1), offsets.data<std::int64_t>()};
  dispatch_inexact("linear_scan", x.dtype(), [&]<class T>() {
    const T* start = initial.defined() ? initial.data<T>() : nullptr;
    switch (choose(algorithm, x, offsets)) {
      case ScanAlgorithm::recursive:
        cpu::scan_recursive(shape, time, lambda.data<T>(), x.data<T>(), start, h.data<T>());
        break;
      case ScanAlgorithm::chunked:
        cpu::scan_chunked(shape, time, lambda.data<T>(), x.data<T>(), start, h.data<T>());
        break;
      default:
        cpu::scan_sequential(shape, time, lambda.data<T>(), x.data<T>(), start, h.data<T>());
    }
  });
  return h;
}

/// Row `last` (or first) of each sequence of [tokens, D]; `empty` [S, D] (undefined: zeros) for empty
/// sequences.
Tensor boundary_rows(const Tensor& rows, const Tensor& offsets, bool last, const Tensor& empty) {
  const auto at = offsets.to_vector<std::int64_t>();
  const auto sequences = offsets.numel() - 1;
  Tensor result = Tensor::zeros({sequences, rows.size(1)}, rows.dtype(), rows.device());
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto begin = at[static_cast<std::size_t>(s)], end = at[static_cast<std::size_t>(s + 1)];
    if (begin < end) {
      result.select(0, s).copy_(rows.select(0, last ? end - 1 : begin));
    } else if (empty.defined()) {
      result.select(0, s).copy_(empty.select(0, s));
    }
  }
  return result;
}

raw::ScanResult forward(Cpu, const Tensor& lambda, const Tensor& x, const Tensor& offsets,
                        const Tensor& initial, ScanAlgorithm algorithm) {
  const Tensor h = scan(lambda, x, offsets, initial, cpu::Time::forward, algorithm);
  return {h, boundary_rows(h, offsets, /*last=*/true, initial)};
}

// g_t = dh_t + conj(lambda) g_{t+1};  dx = g,  dlambda = sum_t g_t conj(h_{t-1}),  dinitial = conj(lambda)
// g_1
Tensors backward(Cpu, const Tensor& dh, const Tensor& dfinal, const Tensor& lambda, const Tensor& h,
                 const Tensor& offsets, const Tensor& initial, ScanAlgorithm algorithm, const Needs& needs) {
  const Tensor conj_lambda = raw::conj(lambda);
  // The final state of a non-empty sequence is its last row.
  Tensor total = dh.defined() ? dh.contiguous() : Tensor::zeros(h.shape(), h.dtype(), h.device());
  if (dfinal.defined()) {
    if (dh.defined()) total = total.clone();
    const auto at = offsets.to_vector<std::int64_t>();
    for (std::int64_t s = 0; s + 1 < offsets.numel(); ++s) {
      const auto begin = at[static_cast<std::size_t>(s)], end = at[static_cast<std::size_t>(s + 1)];
      if (begin < end) total.select(0, end - 1).add_(dfinal.select(0, s));
    }
  }
  const Tensor g = scan(conj_lambda, total, offsets, {}, cpu::Time::reversed, algorithm);

  Tensors grads(3);
  if (needs[0]) {
    grads[0] = Tensor::empty(lambda.shape(), h.dtype(), h.device());
    const cpu::ScanShape shape{offsets.numel() - 1, h.size(1), offsets.data<std::int64_t>()};
    dispatch_inexact("linear_scan", h.dtype(), [&]<class T>() {
      cpu::scan_lambda_gradient(shape, g.data<T>(), h.data<T>(),
                                initial.defined() ? initial.data<T>() : nullptr, grads[0].data<T>());
    });
  }
  if (needs[1]) grads[1] = g;
  if (needs[2]) {
    const Tensor first = raw::mul(conj_lambda, boundary_rows(g, offsets, /*last=*/false, {}));
    // An empty sequence hands its initial state on unchanged.
    grads[2] = first;
    if (dfinal.defined()) {
      const auto at = offsets.to_vector<std::int64_t>();
      for (std::int64_t s = 0; s + 1 < offsets.numel(); ++s) {
        if (at[static_cast<std::size_t>(s)] == at[static_cast<std::size_t>(s + 1)]) {
          grads[2].select(0, s).copy_(dfinal.select(0, s));
        }
      }
    }
  }
  return grads;
}

// On a GPU the kernels find the ends of sequences themselves, and sum the gradient of lambda as they go.

template <class T>
T* pointer(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

template <class T>
void run(const kernels::CudaScan<T>& scan, ScanAlgorithm algorithm) {
  switch (algorithm) {
    case ScanAlgorithm::sequential:
      kernels::scan_sequential(Cuda{}, scan);
      break;
    case ScanAlgorithm::recursive:
      kernels::scan_recursive(Cuda{}, scan);
      break;
    default:
      kernels::scan_chunked(Cuda{}, scan);
  }
}

template <class T>
kernels::CudaScan<T> cuda_scan(const Tensor& lambda, const Tensor& x, const Tensor& offsets,
                               const Tensor& host_offsets, const Tensor& h, bool reversed) {
  kernels::CudaScan<T> scan{};
  scan.sequences = offsets.numel() - 1;
  scan.channels = x.size(1);
  scan.host_offsets = host_offsets.data<std::int64_t>();
  scan.offsets = offsets.data<std::int64_t>();
  scan.reversed = reversed;
  scan.lambda = lambda.data<T>();
  scan.x = x.data<T>();
  scan.h = h.data<T>();
  return scan;
}

[[maybe_unused]] raw::ScanResult forward(Cuda, const Tensor& lambda, const Tensor& x, const Tensor& offsets,
                                         const Tensor& initial, ScanAlgorithm algorithm) {
  const Tensor h = Tensor::empty(x.shape(), x.dtype(), x.device());
  const Tensor last = Tensor::empty({offsets.numel() - 1, x.size(1)}, x.dtype(), x.device());
  const Tensor host_offsets = offsets.host();
  dispatch_inexact("linear_scan", x.dtype(), [&]<class T>() {
    auto scan = cuda_scan<T>(lambda, x, offsets, host_offsets, h, /*reversed=*/false);
    scan.initial = pointer<T>(initial);
    scan.final_state = last.data<T>();
    run(scan, algorithm);
  });
  return {h, last};
}

[[maybe_unused]] Tensors backward(Cuda, const Tensor& dh, const Tensor& dfinal, const Tensor& lambda,
                                  const Tensor& h, const Tensor& offsets, const Tensor& initial,
                                  ScanAlgorithm algorithm, const Needs& needs) {
  const Tensor gradient = dh.defined() ? dh.contiguous() : Tensor::zeros(h.shape(), h.dtype(), h.device());
  const Tensor of_final = dfinal.defined() ? dfinal.contiguous() : Tensor();
  const auto empty = [&](const Shape& shape) { return Tensor::empty(shape, h.dtype(), h.device()); };
  const Tensor g = empty(h.shape()), host_offsets = offsets.host();
  Tensors grads(3);
  if (needs[0]) grads[0] = empty(lambda.shape());
  if (needs[1]) grads[1] = g;
  if (needs[2]) grads[2] = empty({offsets.numel() - 1, h.size(1)});
  dispatch_inexact("linear_scan", h.dtype(), [&]<class T>() {
    auto scan = cuda_scan<T>(lambda, gradient, offsets, host_offsets, g, /*reversed=*/true);
    scan.add_first = pointer<T>(of_final);
    scan.carried_out = pointer<T>(grads[2]);
    scan.states = h.data<T>();
    scan.states_initial = pointer<T>(initial);
    scan.dlambda = pointer<T>(grads[0]);
    run(scan, algorithm);
  });
  return grads;
}

}  // namespace

raw::ScanResult raw::linear_scan(const Tensor& lambda, const Tensor& x, const Tensor& offsets,
                                 const Tensor& initial, ScanAlgorithm algorithm) {
  check(lambda, x, offsets, initial);
  raw::ScanResult result;
  on_device("linear_scan", x.device(), [&](auto where) {
    result = forward(where, lambda.contiguous(), x.contiguous(), offsets.to(x.device()).contiguous(),
                     initial.defined() ? initial.contiguous() : Tensor(), algorithm);
  });
  return result;
}

ScanResult linear_scan(const Variable& lambda, const Variable& x, const Tensor& offsets,
                       const Variable& initial, ScanAlgorithm algorithm) {
  const Tensor start = initial.defined() ? initial.value().contiguous() : Tensor();
  const Tensor at = offsets.to(x.value().device());  // once for both directions
  const auto [h, final_state] = raw::linear_scan(lambda.value(), x.value(), at, start, algorithm);
  const Variables outputs =
      record("linear_scan", {lambda, x, initial}, Tensors{h, final_state},
             [lambda = lambda.value().contiguous(), h = h, at = at.contiguous(), start, algorithm](
                 const Tensors& grads, const Needs& needs) {
               Tensors result;
               on_device("linear_scan", h.device(), [&](auto where) {
                 result = backward(where, grads[0], grads[1], lambda, h, at, start, algorithm, needs);
               });
               return result;
             });
  return {outputs[0], outputs[1]};
}

}  // namespace lrurec::ops
