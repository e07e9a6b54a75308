#include "ops/linear_cross_entropy/linear_cross_entropy.h"

#include <algorithm>

#include "ops/cross_entropy/kernels.h"
#include "ops/cross_entropy/labels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/matmul/kernels.h"
#include "ops/reduce/kernels.h"
#include "ops/softmax/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct Gradients {
  Tensor dx, dweight, dbias;
};

std::int64_t choose_chunk(std::int64_t asked, std::int64_t tokens, std::int64_t classes, DType dtype) {
  constexpr std::int64_t bytes = std::int64_t{16} << 20;
  const std::int64_t row = std::max<std::int64_t>(classes, 1) * static_cast<std::int64_t>(size_of(dtype));
  const std::int64_t chunk = asked > 0 ? asked : std::max<std::int64_t>(bytes / row, 64);
  return std::clamp<std::int64_t>(chunk, 1, std::max<std::int64_t>(tokens, 1));
}

/// The loss, and with `gradients` its gradients too. All tensors dense.
template <class T>
double run_chunks(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& labels,
                  std::int64_t chunk, std::int64_t count, Gradients* gradients) {
  using cpu::Read;
  const auto tokens = x.size(0), H = x.size(1), C = weight.size(0);
  Tensor logits = Tensor::empty({chunk, C}, x.dtype()), lse = Tensor::empty({chunk}, x.dtype());
  Tensor column_sum = Tensor::empty({C}, x.dtype());
  T* s = logits.data<T>();
  double total = 0;
  for (std::int64_t start = 0; start < tokens; start += chunk) {
    const std::int64_t n = std::min(chunk, tokens - start);
    const T* rows = x.data<T>() + start * H;
    const std::int64_t* label = labels.data<std::int64_t>() + start;

    logits.slice(0, 0, n).copy_(bias);
    cpu::gemm<T>(Read::plain, Read::transpose, n, C, H, rows, H, weight.data<T>(), H, T(1), s, C);
    cpu::log_sum_exp(n, C, s, lse.data<T>());
    total += cpu::cross_entropy_sum(n, C, s, label, lse.data<T>());
    if (gradients == nullptr) continue;

    // In place: the logits become P = (softmax - onehot) / count.
    cpu::cross_entropy_backward(n, C, s, label, lse.data<T>(), T(1) / static_cast<T>(count), s);
    cpu::gemm<T>(Read::plain, Read::plain, n, H, C, s, C, weight.data<T>(), H, T(0),
                 gradients->dx.data<T>() + start * H, H);
    cpu::gemm<T>(Read::transpose, Read::plain, C, H, n, s, C, rows, H, T(1), gradients->dweight.data<T>(), H);
    cpu::sum_columns(n, C, s, column_sum.data<T>());
    gradients->dbias.add_(column_sum);
  }
  return total / static_cast<double>(count);
}

}  // namespace

Variable linear_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                              const Tensor& labels, std::int64_t chunk_tokens) {
  const bool fits = x.value().rank() == 2 && weight.value().rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && x.dtype() == weight.dtype() &&
                    x.dtype() == bias.dtype();
  if (!fits) {
    fail_op("linear_cross_entropy", "x: {} {}, weight: {} {}, bias: {} {} must be [tokens, H], [C, H], [C]",
            name(x.dtype()), x.shape().str(), name(weight.dtype()), weight.shape().str(), name(bias.dtype()),
            bias.shape().str());
  }
  const auto count = check_labels("linear_cross_entropy", labels, x.size(0), weight.size(0));
  const auto chunk = choose_chunk(chunk_tokens, x.size(0), weight.size(0), x.dtype());
  const bool wanted = recording() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());

  Gradients gradients;
  if (wanted) {
    gradients = {Tensor::empty(x.shape(), x.dtype()), Tensor::zeros(weight.shape(), x.dtype()),
                 Tensor::zeros(bias.shape(), x.dtype())};
  }
  Tensor loss = Tensor::empty({}, x.dtype());
  dispatch_real("linear_cross_entropy", x.dtype(), [&]<class T>() {
    on_device("linear_cross_entropy", x.value().device(), [&](Cpu) {
      *loss.data<T>() = static_cast<T>(run_chunks<T>(x.value().contiguous(), weight.value().contiguous(),
                                                     bias.value().contiguous(), labels.contiguous(), chunk,
                                                     count, wanted ? &gradients : nullptr));
    });
  });

  // dx = dL P W, dW = dL P^T x, db = dL sum P
  return record("linear_cross_entropy", {x, weight, bias}, loss,
                [gradients](const Tensor& dy, const Needs& needs) {
                  const auto scaled = [&dy](const Tensor& g) { return raw::mul(g, dy); };
                  return Tensors{needs[0] ? scaled(gradients.dx) : Tensor(),
                                 needs[1] ? scaled(gradients.dweight) : Tensor(),
                                 needs[2] ? scaled(gradients.dbias) : Tensor()};
                });
}

}  // namespace lrurec::ops
