#include "ops/sampled_cross_entropy/sampled_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "ops/cross_entropy/labels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

constexpr const char* sampled_op = "sampled_cross_entropy";

/// Dense inputs, the loss, and the gradients in their small form.
struct Sampled {
  Tensor x, weight, bias, labels, negatives;
  std::int64_t count = 0;  ///< tokens with a label
  Tensor value;
  Tensor dx;                            ///< [tokens, H]
  Tensor dlabel;                        ///< [tokens], of the labels' scores
  Tensor dnegatives;                    ///< [tokens, n] of the scores; shared negatives: none
  Tensor shared_dweight, shared_dbias;  ///< shared negatives: [m, H], [m]
  bool shared() const { return negatives.rank() == 1; }
};

void check(const Tensor& x, const Tensor& weight, const Tensor& bias, const IndexTensor& negatives,
           const SampledOptions& options) {
  const bool fits = x.rank() == 2 && weight.rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && x.dtype() == weight.dtype() &&
                    x.dtype() == bias.dtype();
  if (!fits) {
    fail_op(sampled_op, "x: {} {}, weight: {} {}, bias: {} {} must be [tokens, H], [C, H], [C]",
            name(x.dtype()), x.shape().str(), name(weight.dtype()), weight.shape().str(), name(bias.dtype()),
            bias.shape().str());
  }
  const bool for_each = negatives.rank() == 2 && negatives.size(0) == x.size(0);
  if (negatives.dtype() != DType::i64 || (negatives.rank() != 1 && !for_each)) {
    fail_op(sampled_op, "negatives: {} {} must be i64 [{}, n] or [m]", name(negatives.dtype()),
            negatives.shape().str(), x.size(0));
  }
  const Tensor ids = negatives.host();
  const auto* id = ids.data<std::int64_t>();
  for (std::int64_t k = 0; k < ids.numel(); ++k) {
    if (id[k] < 0 || id[k] >= weight.size(0)) {
      fail_op(sampled_op, "negative {} at position {} is not in 0..{}", id[k], k, weight.size(0) - 1);
    }
  }
  if (!std::isfinite(options.log_expected_count)) {
    fail_op(sampled_op, "the log of the expected count is {}", options.log_expected_count);
  }
}

Sampled forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const IndexTensor& labels,
                const IndexTensor& negatives, const SampledOptions& options, bool wanted) {
  check(x, weight, bias, negatives, options);
  const Device device = x.device();
  const auto empty = [&](const Shape& shape) { return Tensor::empty(shape, x.dtype(), device); };
  Sampled s;
  s.count = check_labels(sampled_op, labels, x.size(0), weight.size(0));
  s.x = x.contiguous();
  s.weight = weight.contiguous();
  s.bias = bias.contiguous();
  s.labels = labels.to(device).values();
  const IndexTensor there =
      negatives.to(device);  // what is known of them goes along: nothing waits for a GPU
  s.negatives = there.values();
  s.value = empty({});
  const std::int64_t H = x.size(1), n = s.negatives.size(-1);
  const Tensor shared_weight = s.shared() ? raw::embedding(s.weight, there) : Tensor();
  if (wanted) {
    s.dx = empty(x.shape());
    s.dlabel = empty({x.size(0)});
    if (s.shared()) s.shared_dweight = empty({n, H}), s.shared_dbias = empty({n});
    if (!s.shared()) s.dnegatives = empty(s.negatives.shape());
  }
  dispatch_real(sampled_op, x.dtype(), [&]<class T>() {
    const KernelCall call(sampled_op, device);
    const auto pointer = [](const Tensor& t) { return t.defined() ? t.data<T>() : nullptr; };
    const kernels::SampledCrossEntropy<T> f{x.size(0),
                                            H,
                                            n,
                                            s.shared(),
                                            s.x.data<T>(),
                                            s.weight.data<T>(),
                                            s.bias.data<T>(),
                                            s.labels.data<std::int64_t>(),
                                            s.negatives.data<std::int64_t>(),
                                            pointer(shared_weight),
                                            s.count,
                                            static_cast<T>(options.log_expected_count),
                                            options.chunk_tokens,
                                            s.value.data<T>(),
                                            pointer(s.dx),
                                            pointer(s.dlabel),
                                            pointer(s.dnegatives),
                                            pointer(s.shared_dweight),
                                            pointer(s.shared_dbias)};
    on_device(sampled_op, device, [&](auto where) { kernels::sampled_cross_entropy(where, f); });
  });
  return s;
}

/// Adds to dweight and dbias (null where not wanted) the part of the labels, then that of the negatives,
/// times dL.
template <class T, class Where>
void add_table_gradients(Where where, const Sampled& s, const Tensor& dL, T* dweight, T* dbias) {
  const std::int64_t H = s.weight.size(1), C = s.weight.size(0);
  const auto add = [&](const Tensor& ids, std::int64_t per_row, const T* factor, const T* x,
                       const T* of_bias) {
    kernels::scatter_add_scaled(where, kernels::Scatter<T>{ids.numel(),
                                                           per_row,
                                                           C,
                                                           ids.data<std::int64_t>(),
                                                           factor,
                                                           dL.data<T>(),
                                                           {H, x, dweight},
                                                           {1, of_bias, dbias}});
  };
  const T* x = s.x.data<T>();
  add(s.labels, 1, s.dlabel.data<T>(), x, nullptr);
  if (s.shared()) {
    add(s.negatives, 1, nullptr, s.shared_dweight.data<T>(), s.shared_dbias.data<T>());
  } else {
    add(s.negatives, std::max<std::int64_t>(s.negatives.size(1), 1), s.dnegatives.data<T>(), x, nullptr);
  }
}

}  // namespace

Variable sampled_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                               const IndexTensor& labels, const IndexTensor& negatives,
                               const SampledOptions& options) {
  const bool wanted = recording() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());
  const Sampled s = forward(x.value(), weight.value(), bias.value(), labels, negatives, options, wanted);

  // dx_t = sum_i g_{t,i} weight_i,  dweight_i = sum_t g_{t,i} x_t,  dbias_i = sum_t g_{t,i}
  return record(sampled_op, {x, weight, bias}, s.value, [s](const Tensor& dy, const Needs& needs) {
    Tensors gradients(3);
    if (needs[0]) gradients[0] = raw::mul(s.dx, dy);
    if (!needs[1] && !needs[2]) return gradients;
    for (const std::size_t k : {1, 2}) {
      const Shape& shape = (k == 1 ? s.weight : s.bias).shape();
      if (needs[k]) gradients[k] = Tensor::zeros(shape, dy.dtype(), dy.device());
    }
    dispatch_real(sampled_op, dy.dtype(), [&]<class T>() {
      const auto pointer = [](const Tensor& t) { return t.defined() ? t.data<T>() : nullptr; };
      on_device(sampled_op, dy.device(), [&](auto where) {
        add_table_gradients<T>(where, s, dy, pointer(gradients[1]), pointer(gradients[2]));
      });
    });
    return gradients;
  });
}

}  // namespace lrurec::ops
