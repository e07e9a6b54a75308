#include "ops/linear_rank/linear_rank.h"

#include <algorithm>

#include "ops/linear_rank/kernels.h"
#include "ops/linear_scan/offsets.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check_classes(const char* what, const IndexTensor& classes, std::int64_t C) {
  const Tensor here = classes.host();
  const std::int64_t* at = here.data<std::int64_t>();
  for (std::int64_t i = 0; i < classes.numel(); ++i) {
    if (at[i] < 0 || at[i] >= C) fail_op("linear_ranks", "{} {} is not in 0..{}", what, at[i], C - 1);
  }
}

}  // namespace

raw::LinearRanks raw::linear_ranks(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                   const IndexTensor& targets, const ExcludedClasses& excluded,
                                   bool with_losses) {
  const bool fits = x.rank() == 2 && weight.rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && targets.shape() == Shape{x.size(0)};
  const bool dtypes = x.dtype() == weight.dtype() && x.dtype() == bias.dtype() &&
                      targets.dtype() == DType::i64 && excluded.classes.dtype() == DType::i64;
  if (!fits || !dtypes) {
    fail_op(
        "linear_ranks",
        "x: {} {}, weight: {} {}, bias: {} {}, targets: {} {} must be [n, H], [C, H], [C] of one real dtype "
        "and i64 [n]",
        name(x.dtype()), x.shape().str(), name(weight.dtype()), weight.shape().str(), name(bias.dtype()),
        bias.shape().str(), name(targets.dtype()), targets.shape().str());
  }
  check_offsets("linear_ranks", excluded.offsets, excluded.classes.numel());
  const Tensor in = x.contiguous(), w = weight.contiguous(), b = bias.contiguous();
  check_classes("target", targets, w.size(0));
  check_classes("excluded class", excluded.classes, w.size(0));
  const Device device = in.device();
  const Tensor at = targets.to(device).values(), offsets = excluded.offsets.to(device).values(),
               classes = excluded.classes.to(device).values();
  if (offsets.numel() != in.size(0) + 1) {
    fail_op("linear_ranks", "excluded offsets: {} must be [{}]", offsets.shape().str(), in.size(0) + 1);
  }

  LinearRanks result{Tensor::empty({in.size(0)}, DType::i64, device), {}};
  if (with_losses) result.losses = Tensor::empty({in.size(0)}, in.dtype(), device);
  dispatch_real("linear_ranks", in.dtype(), [&]<class T>() {
    on_device("linear_ranks", in.device(), [&](auto where) {
      const kernels::LinearRank<T> f{in.size(0),
                                     in.size(1),
                                     w.size(0),
                                     in.data<T>(),
                                     w.data<T>(),
                                     b.data<T>(),
                                     at.data<std::int64_t>(),
                                     offsets.data<std::int64_t>(),
                                     classes.data<std::int64_t>()};
      kernels::linear_ranks(where, f, result.ranks.data<std::int64_t>(),
                            with_losses ? result.losses.data<T>() : nullptr);
    });
  });
  result.ranks = result.ranks.host();
  if (with_losses) result.losses = result.losses.host();
  const std::int64_t* ranks = result.ranks.data<std::int64_t>();
  if (const auto broken = std::count(ranks, ranks + in.size(0), -1); broken > 0) {
    fail(ErrorKind::non_finite,
         "{} of {} rows have scores that are not finite; the model's weights are broken", broken, in.size(0));
  }
  return result;
}

}  // namespace lrurec::ops
