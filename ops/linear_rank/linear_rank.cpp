#include "ops/linear_rank/linear_rank.h"

#include <algorithm>
#include <functional>

#include "ops/linear_rank/kernels.h"
#include "ops/linear_scan/offsets.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

void raw::ExcludedClasses::check(std::string_view op, std::int64_t n, std::int64_t C) const {
  if (classes.dtype() != DType::i64) fail_op(op, "excluded classes of {} must be i64", name(classes.dtype()));
  check_offsets(op, offsets, classes.numel());
  if (offsets.numel() != n + 1) {
    fail_op(op, "excluded offsets: {} must be [{}]", offsets.shape().str(), n + 1);
  }
  const Tensor starts = offsets.host(), ids = classes.host();
  const std::int64_t *at = starts.data<std::int64_t>(), *id = ids.data<std::int64_t>();
  for (std::int64_t r = 0; r < n; ++r) {
    const std::int64_t *first = id + at[r], *last = id + at[r + 1];
    if (std::adjacent_find(first, last, std::greater_equal<>()) != last) {
      fail_op(op, "the excluded classes of row {} are not in rising order, each once", r);
    }
    if (first != last && (*first < 0 || last[-1] >= C)) {
      fail_op(op, "excluded class {} of row {} is not in 0..{}", *first < 0 ? *first : last[-1], r, C - 1);
    }
  }
}

namespace {

/// Checks that targets are classes, and not excluded from their rows.
void check_targets(const IndexTensor& targets, const raw::ExcludedClasses& excluded, std::int64_t C) {
  const Tensor here = targets.host(), starts = excluded.offsets.host(), ids = excluded.classes.host();
  const std::int64_t *target = here.data<std::int64_t>(), *at = starts.data<std::int64_t>(),
                     *id = ids.data<std::int64_t>();
  for (std::int64_t r = 0; r < targets.numel(); ++r) {
    if (target[r] < 0 || target[r] >= C) {
      fail_op("linear_ranks", "target {} is not in 0..{}", target[r], C - 1);
    }
    if (std::binary_search(id + at[r], id + at[r + 1], target[r])) {
      fail_op("linear_ranks", "row {} excludes its target, {}", r, target[r]);
    }
  }
}

}  // namespace

raw::LinearRanks raw::linear_ranks(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                   const IndexTensor& targets, const ExcludedClasses& excluded,
                                   bool with_losses) {
  const bool fits = x.rank() == 2 && weight.rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && targets.shape() == Shape{x.size(0)};
  const bool dtypes =
      x.dtype() == weight.dtype() && x.dtype() == bias.dtype() && targets.dtype() == DType::i64;
  if (!fits || !dtypes) {
    fail_op(
        "linear_ranks",
        "x: {} {}, weight: {} {}, bias: {} {}, targets: {} {} must be [n, H], [C, H], [C] of one real dtype "
        "and i64 [n]",
        name(x.dtype()), x.shape().str(), name(weight.dtype()), weight.shape().str(), name(bias.dtype()),
        bias.shape().str(), name(targets.dtype()), targets.shape().str());
  }
  excluded.check("linear_ranks", x.size(0), weight.size(0));
  check_targets(targets, excluded, weight.size(0));
  const Tensor in = x.contiguous(), w = weight.contiguous(), b = bias.contiguous();
  const Device device = in.device();
  const Tensor at = targets.to(device).values(), offsets = excluded.offsets.to(device).values(),
               classes = excluded.classes.to(device).values();

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
