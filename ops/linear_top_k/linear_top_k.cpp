#include "ops/linear_top_k/linear_top_k.h"

#include <algorithm>

#include "ops/linear_scan/offsets.h"
#include "ops/linear_top_k/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops::raw {

ClassTiles::ClassTiles(const Tensor& weight, const Tensor& bias) : width_(0), bias_(bias.clone()) {
  if (weight.rank() != 2 || bias.shape() != Shape{weight.size(0)} || bias.dtype() != weight.dtype()) {
    fail_op("linear_top_k", "weight: {} {}, bias: {} {} must be [C, H] and [C] of one dtype",
            name(weight.dtype()), weight.shape().str(), name(bias.dtype()), bias.shape().str());
  }
  const Tensor w = weight.contiguous();
  const std::int64_t C = w.size(0);
  width_ = w.size(1);
  tiles_ = Tensor::empty({(C + cpu::top_k_tile - 1) / cpu::top_k_tile, width_, cpu::top_k_tile}, w.dtype(),
                         w.device());
  dispatch_real("linear_top_k", w.dtype(), [&]<class T>() {
    on_device("linear_top_k", w.device(),
              [&](Cpu) { cpu::pack_classes(C, width_, w.data<T>(), tiles_.data<T>()); });
  });
}

TopK linear_top_k(const Tensor& x, const ClassTiles& classes, std::int64_t k,
                  const ExcludedClasses& excluded) {
  if (x.rank() != 2 || x.size(1) != classes.width() || x.dtype() != classes.dtype() || k < 0) {
    fail_op("linear_top_k", "x: {} {} must be {} [n, {}], k = {} not negative", name(x.dtype()),
            x.shape().str(), name(classes.dtype()), classes.width(), k);
  }
  check_offsets("linear_top_k", excluded.offsets, excluded.classes.numel());
  if (excluded.offsets.numel() != x.size(0) + 1 || excluded.classes.dtype() != DType::i64) {
    fail_op("linear_top_k", "excluded offsets: {} must be [{}], classes i64", excluded.offsets.shape().str(),
            x.size(0) + 1);
  }
  const Tensor in = x.contiguous(), offsets = excluded.offsets.contiguous(),
               ids = excluded.classes.contiguous();
  const std::int64_t* at = offsets.data<std::int64_t>();
  for (std::int64_t r = 0; r < in.size(0); ++r) {
    if (!std::is_sorted(ids.data<std::int64_t>() + at[r], ids.data<std::int64_t>() + at[r + 1])) {
      fail_op("linear_top_k", "the excluded classes of row {} are not in rising order", r);
    }
  }
  TopK result{Tensor::empty({in.size(0), k}, DType::i64), Tensor::empty({in.size(0), k}, in.dtype())};
  if (k == 0) return result;
  dispatch_real("linear_top_k", in.dtype(), [&]<class T>() {
    on_device("linear_top_k", in.device(), [&](Cpu) {
      const cpu::LinearTopK<T> f{in.size(0),
                                 in.size(1),
                                 classes.classes(),
                                 k,
                                 in.data<T>(),
                                 classes.tiles().data<T>(),
                                 classes.bias().data<T>(),
                                 at,
                                 ids.data<std::int64_t>()};
      if (!cpu::linear_top_k(f, result.indices.data<std::int64_t>(), result.values.data<T>())) {
        fail(ErrorKind::non_finite, "scores are not finite; the model's weights are broken");
      }
    });
  });
  return result;
}

}  // namespace lrurec::ops::raw
