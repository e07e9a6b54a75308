#include "ops/additive_attention/additive_attention.h"

#include "ops/additive_attention/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/linear/linear.h"
#include "ops/linear_scan/offsets.h"
#include "ops/reduce/reduce.h"
#include "ops/segments/segments.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct AdditiveAttentionInputs {
  Tensor q, k, v, h, offsets;

  Tensor like(const Tensor& x) const { return Tensor::empty(x.shape(), x.dtype(), x.device()); }
  template <class T>
  kernels::AdditiveAttention<T> arguments() const {
    return {offsets.numel() - 1, q.size(0),   q.size(1),   h.size(1),  offsets.data<std::int64_t>(),
            q.data<T>(),         k.data<T>(), v.data<T>(), h.data<T>()};
  }
  template <class F>
  void run(F&& f) const {
    dispatch_real("additive_attention", q.dtype(), [&]<class T>() {
      const KernelCall call("additive_attention", q.device());
      const auto arguments = this->arguments<T>();
      on_device("additive_attention", q.device(),
                [&](auto where) { f.template operator()<T>(where, arguments); });
    });
  }
};

AdditiveAttentionInputs inputs(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& h,
                               const IndexTensor& offsets) {
  const DType dtype = q.dtype();
  if (q.rank() != 2 || k.shape() != q.shape() || v.shape() != Shape{q.size(1)} || h.rank() != 2 ||
      h.size(0) != q.size(0) || k.dtype() != dtype || v.dtype() != dtype || h.dtype() != dtype) {
    fail_op(
        "additive_attention",
        "q: {}, k: {}, v: {} and h: {} must be [tokens, A], [tokens, A], [A] and [tokens, D] of one dtype",
        q.shape().str(), k.shape().str(), v.shape().str(), h.shape().str());
  }
  check_offsets("additive_attention", offsets, q.size(0));
  return {q.contiguous(), k.contiguous(), v.contiguous(), h.contiguous(), offsets.to(q.device()).values()};
}

}  // namespace

// dh_j = sum_t w_tj dc_t,  de_tj = w_tj (dc_t . h_j - dc_t . c_t),  dv = sum de_tj s,
// dq_t = sum_j de_tj v s (1 - s),  dk_j = sum_t de_tj v s (1 - s)
Variable additive_attention(const Variable& q, const Variable& k, const Variable& v, const Variable& h,
                            const IndexTensor& offsets) {
  const AdditiveAttentionInputs in = inputs(q.value(), k.value(), v.value(), h.value(), offsets);
  const Tensor c = in.like(in.h), lse = Tensor::empty({in.q.size(0)}, in.q.dtype(), in.q.device());
  in.run([&]<class T>(auto where, const kernels::AdditiveAttention<T>& f) {
    kernels::additive_attention_forward(where, f, c.data<T>(), lse.data<T>());
  });
  return record("additive_attention", {q, k, v, h}, c, [in, c, lse](const Tensor& grad, const Needs&) {
    const Tensor dc = grad.contiguous(), dq = in.like(in.q), dk = in.like(in.q), dv_rows = in.like(in.q),
                 dh = in.like(in.h);
    in.run([&]<class T>(auto where, const kernels::AdditiveAttention<T>& f) {
      const kernels::AdditiveAttentionGradients<T> out{c.data<T>(),      lse.data<T>(), dc.data<T>(),
                                                       dq.data<T>(),     dk.data<T>(),  dh.data<T>(),
                                                       dv_rows.data<T>()};
      kernels::additive_attention_backward(where, f, out);
    });
    return Tensors{dq, dk, raw::sum(dv_rows, {0}), dh};
  });
}

Variable additive_attention_composed(const Variable& q, const Variable& k, const Variable& v,
                                     const Variable& h, const IndexTensor& offsets) {
  inputs(q.value(), k.value(), v.value(), h.value(), offsets);
  const auto at = offsets.host().to_vector<std::int64_t>();
  std::vector<std::int64_t> queries, keys, ends{0};  // of the pairs; the pairs of a query are a segment
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    for (std::int64_t t = at[s]; t < at[s + 1]; ++t) {
      for (std::int64_t j = at[s]; j <= t; ++j) queries.push_back(t), keys.push_back(j);
      ends.push_back(std::ssize(keys));
    }
  }
  const Tensor pairs = Tensor::from(ends), key = Tensor::from(keys);
  const Variable s = sigmoid(embedding(q, Tensor::from(queries)) + embedding(k, key));
  const Variable w = segment_softmax(linear(s, reshape(v, {1, -1})), pairs);
  return segment_sum(w * embedding(h, key), pairs);
}

}  // namespace lrurec::ops
