#include "ops/sampled_cross_entropy/sampled_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "ops/cross_entropy/labels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/matmul/kernels.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

constexpr const char* op = "sampled_cross_entropy";

/// Sums over chunks of tokens are made in so many groups, whatever the number of threads.
constexpr std::int64_t groups = 16;

/// Everything dense, and the gradients in their small form.
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

void check(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& negatives,
           const SampledOptions& options) {
  const bool fits = x.rank() == 2 && weight.rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && x.dtype() == weight.dtype() &&
                    x.dtype() == bias.dtype();
  if (!fits) {
    fail_op(op, "x: {} {}, weight: {} {}, bias: {} {} must be [tokens, H], [C, H], [C]", name(x.dtype()),
            x.shape().str(), name(weight.dtype()), weight.shape().str(), name(bias.dtype()),
            bias.shape().str());
  }
  const bool for_each = negatives.rank() == 2 && negatives.size(0) == x.size(0);
  if (negatives.dtype() != DType::i64 || (negatives.rank() != 1 && !for_each)) {
    fail_op(op, "negatives: {} {} must be i64 [{}, n] or [m]", name(negatives.dtype()),
            negatives.shape().str(), x.size(0));
  }
  const Tensor ids = negatives.host().contiguous();
  const auto* id = ids.data<std::int64_t>();
  for (std::int64_t k = 0; k < ids.numel(); ++k) {
    if (id[k] < 0 || id[k] >= weight.size(0)) {
      fail_op(op, "negative {} at position {} is not in 0..{}", id[k], k, weight.size(0) - 1);
    }
  }
  if (!std::isfinite(options.log_expected_count)) {
    fail_op(op, "the log of the expected count is {}", options.log_expected_count);
  }
}

template <class T>
double with_own_negatives(Sampled& s, T log_count, T scale, bool wanted) {
  const cpu::SampledHead<T> head{s.x.size(1), s.weight.data<T>(), s.bias.data<T>()};
  const cpu::SampledTokens<T> tokens{s.x.size(0), s.x.data<T>(), s.labels.data<std::int64_t>()};
  cpu::SampledGradients<T> gradients;
  if (wanted) {
    s.dnegatives = Tensor::empty(s.negatives.shape(), s.x.dtype());
    gradients = {s.dlabel.data<T>(), s.dnegatives.data<T>(), s.dx.data<T>()};
  }
  return cpu::sampled_loss(head, tokens, s.negatives.size(1), s.negatives.data<std::int64_t>(), log_count,
                           scale, gradients);
}

std::int64_t chunk_size(const Sampled& s, std::int64_t asked) {
  constexpr std::int64_t most_scores = std::int64_t{1} << 18, most_tokens = 512;
  if (asked > 0) return asked;
  return std::clamp<std::int64_t>(most_scores / std::max<std::int64_t>(s.negatives.numel(), 1), 1,
                                  most_tokens);
}

// By chunks of tokens, with W the rows of the negatives:
//   S = X W^T,  S -> G (softmax, loss, and the label's part of dX),  dX += G W,  dW += G^T X.
// A chunk's products run on one thread each (OpenBLAS does so inside a parallel region).
template <class T>
double with_shared_negatives(Sampled& s, T log_count, T scale, bool wanted, std::int64_t chunk) {
  const std::int64_t tokens = s.x.size(0), H = s.x.size(1), m = s.negatives.size(0);
  const cpu::SampledHead<T> head{H, s.weight.data<T>(), s.bias.data<T>()};
  const auto *ids = s.negatives.data<std::int64_t>(), *labels = s.labels.data<std::int64_t>();
  const Tensor rows = raw::embedding(s.weight, s.negatives);
  const T *w = rows.data<T>(), *x = s.x.data<T>();
  Tensor dweights, dbiases;
  if (wanted) {
    dweights = Tensor::zeros({groups, m, H}, s.x.dtype());
    dbiases = Tensor::zeros({groups, m}, s.x.dtype());
  }
  const std::int64_t chunks = (tokens + chunk - 1) / chunk;
  std::vector<double> losses(groups);
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t g = 0; g < groups; ++g) {
    std::vector<T> scores(static_cast<std::size_t>(std::min(chunk, tokens) * m));
    for (std::int64_t k = chunks * g / groups; k < chunks * (g + 1) / groups; ++k) {
      const std::int64_t start = k * chunk, count = std::min(chunk, tokens - start);
      const cpu::SampledTokens<T> part{count, x + start * H, labels + start};
      cpu::SampledGradients<T> gradients;
      if (wanted) gradients = {s.dlabel.data<T>() + start, nullptr, s.dx.data<T>() + start * H};
      cpu::gemm(cpu::Read::plain, cpu::Read::transpose, count, m, H, part.x, H, w, H, T(0), scores.data(), m);
      losses[static_cast<std::size_t>(g)] +=
          cpu::sampled_loss_shared(head, part, m, ids, log_count, scale, scores.data(), gradients);
      if (!wanted) continue;
      cpu::gemm(cpu::Read::plain, cpu::Read::plain, count, H, m, scores.data(), m, w, H, T(1), gradients.dx,
                H);
      cpu::gemm(cpu::Read::transpose, cpu::Read::plain, m, H, count, scores.data(), m, part.x, H, T(1),
                dweights.data<T>() + g * m * H, H);
      T* dbias = dbiases.data<T>() + g * m;
      for (std::int64_t t = 0; t < count; ++t) {
        for (std::int64_t j = 0; j < m; ++j) dbias[j] += scores[static_cast<std::size_t>(t * m + j)];
      }
    }
  }
  if (wanted) {
    s.shared_dweight = dweights.select(0, 0);
    s.shared_dbias = dbiases.select(0, 0);
    for (std::int64_t g = 1; g < groups; ++g) {
      s.shared_dweight.add_(dweights.select(0, g));
      s.shared_dbias.add_(dbiases.select(0, g));
    }
    s.shared_dweight = s.shared_dweight.clone();  // let go of the other groups
    s.shared_dbias = s.shared_dbias.clone();
  }
  double total = 0;
  for (const double loss : losses) total += loss;
  return total;
}

template <class T>
void run(Cpu, Sampled& s, const SampledOptions& options, bool wanted) {
  const T log_count = static_cast<T>(options.log_expected_count);
  const T scale = static_cast<T>(1.0 / static_cast<double>(s.count));
  const double total =
      s.shared() ? with_shared_negatives<T>(s, log_count, scale, wanted, chunk_size(s, options.chunk_tokens))
                 : with_own_negatives<T>(s, log_count, scale, wanted);
  *s.value.data<T>() = static_cast<T>(total / static_cast<double>(s.count));
}

// The same steps, each over all tokens (shared negatives: of a chunk) at once.
template <class T>
void run(Cuda where, Sampled& s, const SampledOptions& options, bool wanted) {
  const std::int64_t tokens = s.x.size(0), H = s.x.size(1), n = s.negatives.size(-1);
  const DType dtype = s.x.dtype();
  const Device device = s.x.device();
  const T log_count = static_cast<T>(options.log_expected_count);
  const T scale = static_cast<T>(1.0 / static_cast<double>(s.count));
  const cpu::SampledHead<T> head{H, s.weight.data<T>(), s.bias.data<T>()};
  const auto* ids = s.negatives.data<std::int64_t>();
  const Tensor losses = Tensor::empty({tokens}, dtype, device);
  if (!wanted) s.dlabel = Tensor::empty({tokens}, dtype, device);
  T *dlabel = s.dlabel.data<T>(), *dx = wanted ? s.dx.data<T>() : nullptr;

  if (!s.shared()) {
    s.dnegatives = Tensor::empty(s.negatives.shape(), dtype, device);
    T* scores = s.dnegatives.data<T>();
    const cpu::SampledTokens<T> all{tokens, s.x.data<T>(), s.labels.data<std::int64_t>()};
    kernels::sampled_products(where, head, all, n, ids, scores);
    kernels::sampled_softmax(where, head, all, {n, n, ids}, log_count, scale, scores, dlabel,
                             losses.data<T>());
    if (wanted) kernels::sampled_dx<T>(where, head, all, n, ids, scores, dlabel, false, dx);
  } else {
    const Tensor rows = raw::embedding(s.weight, s.negatives);
    if (wanted) {
      s.shared_dweight = Tensor::zeros({n, H}, dtype, device);
      s.shared_dbias = Tensor::zeros({n}, dtype, device);
    }
    constexpr std::int64_t most_scores = std::int64_t{1} << 23;  // they stay in the L2 cache of a large GPU
    const std::int64_t chunk = options.chunk_tokens > 0
                                   ? options.chunk_tokens
                                   : std::max<std::int64_t>(most_scores / std::max<std::int64_t>(n, 1), 128);
    for (std::int64_t start = 0; start < tokens; start += chunk) {
      const std::int64_t count = std::min(chunk, tokens - start);
      const cpu::SampledTokens<T> part{count, s.x.data<T>() + start * H,
                                       s.labels.data<std::int64_t>() + start};
      const Tensor x = s.x.slice(0, start, start + count);
      const Tensor scores = raw::matmul(x, rows.transpose(0, 1));
      kernels::sampled_softmax(where, head, part, {n, 0, ids}, log_count, scale, scores.data<T>(),
                               dlabel + start, losses.data<T>() + start);
      if (!wanted) continue;
      Tensor dx_part = s.dx.slice(0, start, start + count);
      dx_part.copy_(raw::matmul(scores, rows));
      kernels::sampled_dx<T>(where, head, part, 0, nullptr, nullptr, dlabel + start, true, dx + start * H);
      s.shared_dweight.add_(raw::matmul(scores.transpose(0, 1), x));
      s.shared_dbias.add_(raw::sum(scores, {0}));
    }
  }
  kernels::scaled_sum<T>(where, tokens, losses.data<T>(), scale, s.value.data<T>());
}

Sampled forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& labels,
                const Tensor& negatives, const SampledOptions& options, bool wanted) {
  check(x, weight, bias, negatives, options);
  const Device device = x.device();
  Sampled s;
  s.count = check_labels(op, labels, x.size(0), weight.size(0));
  s.x = x.contiguous();
  s.weight = weight.contiguous();
  s.bias = bias.contiguous();
  s.labels = labels.to(device).contiguous();
  s.negatives = negatives.to(device).contiguous();
  s.value = Tensor::empty({}, x.dtype(), device);
  if (wanted) {
    s.dx = Tensor::empty(x.shape(), x.dtype(), device);
    s.dlabel = Tensor::empty({x.size(0)}, x.dtype(), device);
  }
  dispatch_real(op, x.dtype(), [&]<class T>() {
    on_device(op, device, [&](auto where) { run<T>(where, s, options, wanted); });
  });
  return s;
}

template <class T>
void add_entries(Cpu, cpu::Scatter<T> entries, const Tensor& dL, T* rows) {
  entries.scale = *dL.data<T>();
  cpu::scatter_add_scaled(entries, rows);
}
template <class T>
void add_entries(Cuda where, const cpu::Scatter<T>& entries, const Tensor& dL, T* rows) {
  kernels::scatter_add_scaled<T>(where, entries, dL.data<T>(), rows);
}

/// dweight (of_bias: dbias) = the labels' part, then the negatives'; dense, times dL.
template <class T, class Where>
Tensor table_gradient(Where where, const Sampled& s, const Tensor& dL, bool of_bias) {
  const std::int64_t C = s.weight.size(0), width = of_bias ? 1 : s.weight.size(1);
  Tensor gradient = Tensor::zeros(of_bias ? s.bias.shape() : s.weight.shape(), s.x.dtype(), s.x.device());
  const auto add = [&](const Tensor& ids, std::int64_t per_row, const T* factor, const T* x) {
    const cpu::Scatter<T> entries{ids.numel(), per_row, width, C, ids.data<std::int64_t>(), factor, x, T(1)};
    add_entries<T>(where, entries, dL, gradient.data<T>());
  };
  const T* x = of_bias ? nullptr : s.x.data<T>();
  add(s.labels, 1, s.dlabel.data<T>(), x);
  if (s.shared()) {
    add(s.negatives, 1, nullptr, (of_bias ? s.shared_dbias : s.shared_dweight).data<T>());
  } else {
    add(s.negatives, std::max<std::int64_t>(s.negatives.size(1), 1), s.dnegatives.data<T>(), x);
  }
  return gradient;
}

}  // namespace

Variable sampled_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                               const Tensor& labels, const Tensor& negatives, const SampledOptions& options) {
  const bool wanted = recording() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());
  const Sampled s = forward(x.value(), weight.value(), bias.value(), labels, negatives, options, wanted);

  // dx_t = sum_i g_{t,i} weight_i,  dweight_i = sum_t g_{t,i} x_t,  dbias_i = sum_t g_{t,i}
  return record(op, {x, weight, bias}, s.value, [s](const Tensor& dy, const Needs& needs) {
    Tensors gradients(3);
    if (needs[0]) gradients[0] = raw::mul(s.dx, dy);
    dispatch_real(op, dy.dtype(), [&]<class T>() {
      on_device(op, dy.device(), [&](auto where) {
        if (needs[1]) gradients[1] = table_gradient<T>(where, s, dy, false);
        if (needs[2]) gradients[2] = table_gradient<T>(where, s, dy, true);
      });
    });
    return gradients;
  });
}

}  // namespace lrurec::ops
