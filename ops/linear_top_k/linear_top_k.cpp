#include "ops/linear_top_k/linear_top_k.h"

#include <algorithm>
#include <cmath>

#include "ops/linear_top_k/class_codes.h"
#include "ops/linear_top_k/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops::raw {

ClassTable::ClassTable(const Tensor& weight, const Tensor& bias) {
  if (weight.rank() != 2 || bias.shape() != Shape{weight.size(0)} || bias.dtype() != weight.dtype()) {
    fail_op("linear_top_k", "weight: {} {}, bias: {} {} must be [C, H] and [C] of one dtype",
            name(weight.dtype()), weight.shape().str(), name(bias.dtype()), bias.shape().str());
  }
  weight_ = weight.contiguous().clone();
  bias_ = bias.contiguous().clone();
  if (device().is_cuda() || dtype() != DType::f32) return;
  codes_ =
      std::make_shared<kernels::ClassCodes>(classes(), width(), weight_.data<float>(), bias_.data<float>());
}

namespace {

/// The result of a GPU, which has at most C columns, in the form of the CPU: k columns, and -1 where there
/// was no candidate.
TopK finish(const TopK& found, std::int64_t k) {
  const Tensor indices = found.indices.host(), values = found.values.host();
  const std::int64_t n = indices.size(0), there = indices.size(1);
  TopK result{Tensor::full({n, k}, -1, DType::i64), Tensor::full({n, k}, -INFINITY, values.dtype())};
  result.indices.slice(1, 0, there).copy_(indices);
  result.values.slice(1, 0, there).copy_(values);
  dispatch_real("linear_top_k", values.dtype(), [&]<class T>() {
    const T* value = result.values.data<T>();
    auto* index = result.indices.data<std::int64_t>();
    for (std::int64_t i = 0; i < n * k; ++i) {
      if (value[i] == -INFINITY) index[i] = -1;
    }
  });
  return result;
}

}  // namespace

TopK linear_top_k(const Tensor& x, const ClassTable& classes, std::int64_t k, const ExcludedClasses& excluded,
                  std::int64_t* scored) {
  if (x.rank() != 2 || x.size(1) != classes.width() || x.dtype() != classes.dtype() || k < 0) {
    fail_op("linear_top_k", "x: {} {} must be {} [n, {}], k = {} not negative", name(x.dtype()),
            x.shape().str(), name(classes.dtype()), classes.width(), k);
  }
  const Device device = classes.device();
  if (x.device() != device) {
    fail_op("linear_top_k", "x is on {}, the classes are on {}", x.device().str(), device.str());
  }
  const std::int64_t n = x.size(0), most = std::min(k, classes.classes());
  if (device.is_cuda() &&
      most > kernels::linear_top_k_most_on_gpu) {  // nearly a sort: rare, and left to the CPU
    return linear_top_k(x.host(), ClassTable(classes.weight().host(), classes.bias().host()), k,
                        {excluded.offsets.host(), excluded.classes.host()}, scored);
  }
  excluded.check("linear_top_k", n, classes.classes());
  const std::int64_t columns = device.is_cuda() ? most : k;
  TopK result{Tensor::empty({n, columns}, DType::i64, device),
              Tensor::empty({n, columns}, x.dtype(), device)};
  if (columns == 0) return device.is_cuda() ? finish(result, k) : result;
  const Tensor in = x.contiguous(), offsets_there = excluded.offsets.to(device).values(),
               ids_there = excluded.classes.to(device).values();
  const Tensor broken = Tensor::zeros({1}, DType::i32, device);
  dispatch_real("linear_top_k", in.dtype(), [&]<class T>() {
    on_device("linear_top_k", device, [&](auto where) {
      const kernels::LinearTopK<T> f{n,
                                     in.size(1),
                                     classes.classes(),
                                     columns,
                                     in.data<T>(),
                                     classes.weight().data<T>(),
                                     classes.bias().data<T>(),
                                     offsets_there.data<std::int64_t>(),
                                     ids_there.data<std::int64_t>(),
                                     classes.codes()};
      const std::int64_t count = kernels::linear_top_k(where, f, result.indices.data<std::int64_t>(),
                                                       result.values.data<T>(), broken.data<std::int32_t>());
      if (scored != nullptr) *scored += count;
    });
  });
  if (broken.item<std::int32_t>() != 0) {
    fail(ErrorKind::non_finite, "scores are not finite; the model's weights are broken");
  }
  return device.is_cuda() ? finish(result, k) : result;
}

}  // namespace lrurec::ops::raw
