#include "ops/segments/segments.h"

#include "ops/linear_scan/offsets.h"
#include "ops/segments/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check_rank(std::string_view op, const Tensor& x) {
  if (x.rank() != 2) fail_op(op, "x: {} must be [tokens, W] or [segments, W]", x.shape().str());
}

kernels::SegmentRows rows_of(const Tensor& offsets, std::int64_t width) {
  return {offsets.numel() - 1, width, offsets.data<std::int64_t>()};
}

Tensor sum_of_segments(const Tensor& input, const Tensor& offsets) {
  const Tensor x = input.contiguous();
  const Tensor y = Tensor::empty({offsets.numel() - 1, x.size(1)}, x.dtype(), x.device());
  dispatch_inexact("segment_sum", x.dtype(), [&]<class T>() {
    on_device("segment_sum", x.device(), [&](auto where) {
      kernels::segment_sum(where, rows_of(offsets, x.size(1)), x.data<T>(), y.data<T>());
    });
  });
  return y;
}

Tensor spread_to_tokens(const Tensor& input, const Tensor& offsets, std::int64_t tokens) {
  const Tensor x = input.contiguous();
  const Tensor y = Tensor::empty({tokens, x.size(1)}, x.dtype(), x.device());
  dispatch_inexact("segment_spread", x.dtype(), [&]<class T>() {
    on_device("segment_spread", x.device(), [&](auto where) {
      kernels::segment_spread(where, rows_of(offsets, x.size(1)), x.data<T>(), y.data<T>());
    });
  });
  return y;
}

Tensor softmax_of_segments(const Tensor& input, const Tensor& offsets) {
  const Tensor x = input.contiguous(), y = Tensor::empty(x.shape(), x.dtype(), x.device());
  dispatch_real("segment_softmax", x.dtype(), [&]<class T>() {
    on_device("segment_softmax", x.device(), [&](auto where) {
      kernels::segment_softmax(where, rows_of(offsets, x.size(1)), x.data<T>(), y.data<T>());
    });
  });
  return y;
}

Tensor softmax_of_segments_backward(const Tensor& grad, const Tensor& y, const Tensor& offsets) {
  const Tensor dy = grad.contiguous(), dx = Tensor::empty(y.shape(), y.dtype(), y.device());
  dispatch_real("segment_softmax", y.dtype(), [&]<class T>() {
    on_device("segment_softmax", y.device(), [&](auto where) {
      kernels::segment_softmax_backward(where, rows_of(offsets, y.size(1)), dy.data<T>(), y.data<T>(),
                                        dx.data<T>());
    });
  });
  return dx;
}

/// The offsets, checked, on the device of x.
Tensor offsets_of_tokens(std::string_view op, const Tensor& x, const IndexTensor& offsets) {
  check_rank(op, x);
  check_offsets(op, offsets, x.size(0));
  return offsets.to(x.device()).values();
}
/// The number of tokens of segments, where x has a row for each segment.
std::int64_t tokens_of_segments(const Tensor& x, const IndexTensor& offsets) {
  check_rank("segment_spread", x);
  const std::int64_t tokens = check_offsets("segment_spread", offsets);
  if (x.size(0) != offsets.numel() - 1) {
    fail_op("segment_spread", "x: {} must have a row for each of {} segments", x.shape().str(),
            offsets.numel() - 1);
  }
  return tokens;
}

}  // namespace

// dx[t] = dy[s]
Variable segment_sum(const Variable& x, const IndexTensor& offsets) {
  const Tensor at = offsets_of_tokens("segment_sum", x.value(), offsets);
  return record("segment_sum", {x}, sum_of_segments(x.value(), at),
                [at, tokens = x.value().size(0)](const Tensor& dy, const Needs&) {
                  return Tensors{spread_to_tokens(dy, at, tokens)};
                });
}

// dx[s] = sum dy[t]
Variable segment_spread(const Variable& x, const IndexTensor& offsets) {
  const std::int64_t tokens = tokens_of_segments(x.value(), offsets);
  const Tensor at = offsets.to(x.value().device()).values();
  return record("segment_spread", {x}, spread_to_tokens(x.value(), at, tokens),
                [at](const Tensor& dy, const Needs&) { return Tensors{sum_of_segments(dy, at)}; });
}

// dx = y (dy - sum dy y)
Variable segment_softmax(const Variable& x, const IndexTensor& offsets) {
  const Tensor at = offsets_of_tokens("segment_softmax", x.value(), offsets);
  const Tensor y = softmax_of_segments(x.value(), at);
  return record("segment_softmax", {x}, y, [at, y](const Tensor& dy, const Needs&) {
    return Tensors{softmax_of_segments_backward(dy, y, at)};
  });
}

Tensor raw::segment_sum(const Tensor& x, const IndexTensor& offsets) {
  return sum_of_segments(x, offsets_of_tokens("segment_sum", x, offsets));
}

Tensor raw::segment_spread(const Tensor& x, const IndexTensor& offsets) {
  const std::int64_t tokens = tokens_of_segments(x, offsets);
  return spread_to_tokens(x, offsets.to(x.device()).values(), tokens);
}

Tensor raw::segment_softmax(const Tensor& x, const IndexTensor& offsets) {
  return softmax_of_segments(x, offsets_of_tokens("segment_softmax", x, offsets));
}

}  // namespace lrurec::ops
