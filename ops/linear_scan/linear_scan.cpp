#include "ops/linear_scan/linear_scan.h"

#include <omp.h>

#include <numeric>

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

namespace {

std::vector<std::int64_t> rising_offsets(std::string_view op, const IndexTensor& offsets) {
  if (offsets.rank() != 1 || offsets.dtype() != DType::i64 || offsets.numel() < 1) {
    fail_op(op, "offsets: {} must be i64 [S + 1]", describe(offsets));
  }
  auto at = offsets.host().to_vector<std::int64_t>();
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    if (at[s] > at[s + 1]) fail_op(op, "offsets fall from {} to {} at sequence {}", at[s], at[s + 1], s);
  }
  return at;
}

}  // namespace

std::int64_t check_offsets(std::string_view op, const IndexTensor& offsets) {
  const auto at = rising_offsets(op, offsets);
  if (at.front() != 0) fail_op(op, "offsets run from {} to {}, not from 0", at.front(), at.back());
  return at.back();
}

void check_offsets(std::string_view op, const IndexTensor& offsets, std::int64_t tokens) {
  const auto at = rising_offsets(op, offsets);
  if (at.front() != 0 || at.back() != tokens) {
    const bool lengths = std::accumulate(at.begin(), at.end(), std::int64_t{0}) == tokens;
    fail_op(op, "offsets run from {} to {}, x has {} tokens{}", at.front(), at.back(), tokens,
            lengths ? "; if these are lengths, offsets_of_lengths makes offsets of them" : "");
  }
}

namespace {

void check(const Tensor& lambda, const Tensor& x, const IndexTensor& offsets, const Tensor& initial) {
  const bool fits = x.rank() == 2 && (lambda.shape() == x.shape() || lambda.shape() == Shape{x.size(1)});
  if (!fits || x.dtype() != lambda.dtype()) {
    fail_op("linear_scan",
            "lambda: {} {} and x: {} {}: they must be [D] or [tokens, D], and [tokens, D], of one dtype",
            name(lambda.dtype()), lambda.shape().str(), name(x.dtype()), x.shape().str());
  }
  check_offsets("linear_scan", offsets, x.size(0));
  if (initial.defined() &&
      (initial.shape() != Shape{offsets.numel() - 1, x.size(1)} || initial.dtype() != x.dtype())) {
    fail_op("linear_scan", "initial: {} {} must be {} [{}, {}]", name(initial.dtype()), initial.shape().str(),
            name(x.dtype()), offsets.numel() - 1, x.size(1));
  }
}

/// What `automatic` chooses. On a CPU chunks cost twice the arithmetic, which pays only where there are fewer
/// sequences than threads, so that time must be shared out as well.
template <class T>
ScanAlgorithm fastest(Cpu, const kernels::Scan<T>& scan) {
  const bool few = scan.sequences < omp_get_max_threads() && scan.tokens() >= 1024 * scan.sequences;
  return few ? ScanAlgorithm::chunked : ScanAlgorithm::sequential;
}
template <class T>
ScanAlgorithm fastest(Cuda, const kernels::Scan<T>&) {
  return ScanAlgorithm::chunked;
}

/// gated: every token has a lambda of its own.
template <class Where, class T>
void run(Where where, const kernels::Scan<T>& scan, ScanAlgorithm algorithm, bool gated) {
  switch (algorithm == ScanAlgorithm::automatic ? fastest(where, scan) : algorithm) {
    case ScanAlgorithm::recursive:
      return gated ? kernels::gated_scan_recursive(where, scan) : kernels::scan_recursive(where, scan);
    case ScanAlgorithm::chunked:
      return gated ? kernels::gated_scan_chunked(where, scan) : kernels::scan_chunked(where, scan);
    default:
      return gated ? kernels::gated_scan_sequential(where, scan) : kernels::scan_sequential(where, scan);
  }
}

/// Checked inputs, dense and on one device, and how to scan.
struct LinearScanInputs {
  Tensor lambda, offsets, host_offsets, initial;
  ScanAlgorithm algorithm;

  std::int64_t sequences() const { return offsets.numel() - 1; }

  /// Fills in what forward and backward have in common, calls `complete` for the rest, and runs the scan.
  template <class Complete>
  void scan(kernels::Time time, const Tensor& x, const Tensor& h, Complete&& complete) const {
    dispatch_inexact("linear_scan", x.dtype(), [&]<class T>() {
      const KernelCall call("linear_scan", x.device());
      kernels::Scan<T> f{sequences(),
                         x.size(1),
                         reinterpret_cast<const std::int64_t*>(host_offsets.raw()),
                         offsets.data<std::int64_t>(),
                         time,
                         lambda.data<T>(),
                         x.data<T>(),
                         h.data<T>()};
      complete(f);
      on_device("linear_scan", x.device(), [&](auto where) { run(where, f, algorithm, lambda.rank() == 2); });
    });
  }
};

/// The tensor's elements; null where it is undefined.
template <class T>
T* pointer(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

Tensor dense(const Tensor& t) { return t.defined() ? t.contiguous() : t; }

LinearScanInputs inputs(const Tensor& lambda, const Tensor& x, const IndexTensor& offsets,
                        const Tensor& initial, ScanAlgorithm algorithm) {
  check(lambda, x, offsets, initial);
  return {lambda.contiguous(), offsets.to(x.device()).values(), offsets.host(), dense(initial), algorithm};
}

// h_t = lambda h_{t-1} + x_t
raw::ScanResult forward(const LinearScanInputs& in, const Tensor& x) {
  const Tensor h = Tensor::empty(x.shape(), x.dtype(), x.device());
  const Tensor last = Tensor::empty({in.sequences(), x.size(1)}, x.dtype(), x.device());
  in.scan(kernels::Time::forward, x.contiguous(), h, [&]<class T>(kernels::Scan<T>& f) {
    f.initial = pointer<T>(in.initial);
    f.final_state = last.data<T>();
  });
  return {h, last};
}

// g_t = dh_t + conj(lambda) g_{t+1};  dx = g,  dlambda = sum_t g_t conj(h_{t-1}),  dinitial = conj(lambda)
// g_1. With lambda_t:  g_t = dh_t + conj(lambda_{t+1}) g_{t+1},  dlambda_t = g_t conj(h_{t-1}). The gradient
// of the final state is added to that of the last row.
Tensors backward(const LinearScanInputs& in, const Tensor& h, const Tensor& dh, const Tensor& dfinal,
                 const Needs& needs) {
  const auto empty = [&](const Shape& shape) { return Tensor::empty(shape, h.dtype(), h.device()); };
  const Tensor gradient = dh.defined() ? dh.contiguous() : Tensor::zeros(h.shape(), h.dtype(), h.device());
  const Tensor of_final = dense(dfinal), g = empty(h.shape());
  Tensors grads(3);
  if (needs[0]) grads[0] = empty(in.lambda.shape());
  if (needs[1]) grads[1] = g;
  if (needs[2]) grads[2] = empty({in.sequences(), h.size(1)});
  in.scan(kernels::Time::reversed, gradient, g, [&]<class T>(kernels::Scan<T>& f) {
    f.add_first = pointer<T>(of_final);
    f.carried_out = pointer<T>(grads[2]);
    f.states = h.data<T>();
    f.states_initial = pointer<T>(in.initial);
    f.dlambda = pointer<T>(grads[0]);
  });
  return grads;
}

}  // namespace

raw::ScanResult raw::linear_scan(const Tensor& lambda, const Tensor& x, const IndexTensor& offsets,
                                 const Tensor& initial, ScanAlgorithm algorithm) {
  return forward(inputs(lambda, x, offsets, initial, algorithm), x);
}

ScanResult linear_scan(const Variable& lambda, const Variable& x, const IndexTensor& offsets,
                       const Variable& initial, ScanAlgorithm algorithm) {
  const LinearScanInputs in =
      inputs(lambda.value(), x.value(), offsets, initial.defined() ? initial.value() : Tensor(), algorithm);
  const auto [h, final_state] = forward(in, x.value());
  const Variables outputs = record("linear_scan", {lambda, x, initial}, Tensors{h, final_state},
                                   [in, h = h](const Tensors& grads, const Needs& needs) {
                                     return backward(in, h, grads[0], grads[1], needs);
                                   });
  return {outputs[0], outputs[1]};
}

}  // namespace lrurec::ops
