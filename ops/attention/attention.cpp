#include "ops/attention/attention.h"

#include <algorithm>
#include <cmath>

#include "ops/attention/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/offsets.h"
#include "ops/matmul/matmul.h"
#include "ops/shape/shape_ops.h"
#include "ops/softmax/softmax.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check(const Tensor& qkv, const IndexTensor& offsets, const AttentionOptions& options) {
  const std::int64_t heads = options.heads;
  if (qkv.rank() != 2 || heads < 1 || qkv.size(1) % (3 * heads) != 0 || qkv.size(1) == 0) {
    fail_op("attention", "qkv: {} must be [tokens, 3 H] with H a multiple of {} heads", qkv.shape().str(),
            heads);
  }
  if (!(options.dropout >= 0 && options.dropout <= 1)) {
    fail_op("attention", "a dropout of {} is no probability", options.dropout);
  }
  check_offsets("attention", offsets, qkv.size(0));
}

std::int64_t longest_of(const IndexTensor& offsets) {
  const auto at = offsets.host().to_vector<std::int64_t>();
  std::int64_t longest = 0;
  for (std::size_t s = 0; s + 1 < at.size(); ++s) longest = std::max(longest, at[s + 1] - at[s]);
  return longest;
}

struct AttentionInputs {
  Tensor qkv, offsets;
  AttentionOptions options;
  std::int64_t longest;

  std::int64_t tokens() const { return qkv.size(0); }
  Tensor empty(const Shape& shape) const { return Tensor::empty(shape, qkv.dtype(), qkv.device()); }
  Shape output() const { return {tokens(), qkv.size(1) / 3}; }

  template <class T>
  kernels::Attention<T> arguments() const {
    return {offsets.numel() - 1,
            tokens(),
            options.heads,
            qkv.size(1) / (3 * options.heads),
            offsets.data<std::int64_t>(),
            qkv.data<T>(),
            options.causal,
            DropoutMask(Philox(options.key.seed, options.key.stream), options.dropout),
            longest};
  }
};

AttentionInputs inputs(const Tensor& qkv, const IndexTensor& offsets, const AttentionOptions& options) {
  check(qkv, offsets, options);
  return {qkv.contiguous(), offsets.to(qkv.device()).values(), options, longest_of(offsets)};
}

Tensor forward(const AttentionInputs& in, const Tensor& tops) {
  const Tensor y = in.empty(in.output());
  dispatch_real("attention", in.qkv.dtype(), [&]<class T>() {
    const KernelCall call("attention", in.qkv.device());
    const auto f = in.arguments<T>();
    on_device("attention", in.qkv.device(),
              [&](auto where) { kernels::attention_forward(where, f, y.data<T>(), tops.data<T>()); });
  });
  return y;
}

// dv_j = sum_t m_tj w_tj dy_t,  ds_tj = w_tj (m_tj dy_t . v_j - dy_t . y_t),
// dq_t = sum_j ds_tj k_j / sqrt d,  dk_j = sum_t ds_tj q_t / sqrt d
Tensor backward(const AttentionInputs& in, const Tensor& y, const Tensor& tops, const Tensor& grad) {
  const Tensor dy = grad.contiguous(), dqkv = in.empty(in.qkv.shape());
  dispatch_real("attention", in.qkv.dtype(), [&]<class T>() {
    const KernelCall call("attention", in.qkv.device());
    const auto f = in.arguments<T>();
    on_device("attention", in.qkv.device(), [&](auto where) {
      kernels::attention_backward<T>(where, f, y.data<T>(), tops.data<T>(), dy.data<T>(), dqkv.data<T>());
    });
  });
  return dqkv;
}

}  // namespace

Tensor raw::attention(const Tensor& qkv, const IndexTensor& offsets, const AttentionOptions& options) {
  const AttentionInputs in = inputs(qkv, offsets, options);
  return forward(in, in.empty({in.tokens(), options.heads, 2}));
}

Variable attention(const Variable& qkv, const IndexTensor& offsets, const AttentionOptions& options) {
  const AttentionInputs in = inputs(qkv.value(), offsets, options);
  const Tensor tops = in.empty({in.tokens(), options.heads, 2}), y = forward(in, tops);
  return record("attention", {qkv}, y,
                [in, y, tops](const Tensor& dy, const Needs&) { return Tensors{backward(in, y, tops, dy)}; });
}

Variable attention_composed(const Variable& qkv, const IndexTensor& offsets,
                            const AttentionOptions& options) {
  check(qkv.value(), offsets, options);
  const std::int64_t heads = options.heads, d = qkv.value().size(1) / (3 * heads),
                     tokens = qkv.value().size(0), longest = longest_of(offsets);
  const DType dtype = qkv.dtype();
  const Device device = qkv.value().device();
  const double scale = 1 / std::sqrt(static_cast<double>(d));
  const Tensor mask =
      raw::dropout(Tensor::full({tokens, heads, longest}, 1, dtype, device), options.dropout, options.key);
  const auto at = offsets.host().to_vector<std::int64_t>();
  Variables sequences;
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    const std::int64_t first = at[s], last = at[s + 1], n = last - first;
    if (n == 0) continue;
    // Scores of tokens that are not seen are minus infinity, so that their weight is 0.
    std::vector<double> hidden(static_cast<std::size_t>(n * n));
    for (std::int64_t t = 0; t < n && options.causal; ++t) {
      for (std::int64_t j = t + 1; j < n; ++j) hidden[static_cast<std::size_t>(t * n + j)] = -INFINITY;
    }
    const Variable unseen(Tensor::from(hidden, {n, n}).to(dtype).to(device));
    const Variable rows = slice(qkv, 0, first, last);
    Variables outputs;
    for (std::int64_t head = 0; head < heads; ++head) {
      const auto part = [&](std::int64_t k) {
        return slice(rows, 1, (k * heads + head) * d, (k * heads + head + 1) * d);
      };
      const Variable q = part(0), k = part(1), v = part(2);
      const Variable w = softmax(matmul(q, transpose(k, 0, 1)) * scale + unseen);
      const Variable m(mask.slice(0, first, last).select(1, head).slice(1, 0, n));
      outputs.push_back(matmul(w * m, v));
    }
    sequences.push_back(concat(outputs, 1));
  }
  sequences.push_back(Variable(Tensor::zeros({0, heads * d}, dtype, device)));
  return concat(sequences, 0);
}

}  // namespace lrurec::ops
