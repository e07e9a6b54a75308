#pragma once
// Many parameters, large and small, as one argument of a kernel. They are cut into blocks, which threads or a
// GPU's blocks of threads share out. A sum by blocks has the same bits however that is done.

#include <cstdint>

#include "nn/module.h"
#include "nn/optim/update_rules.h"
#include "tensor/dispatch.h"
#include "tensor/host_device.h"

namespace lrurec::nn {

namespace kernels {

/// Elements of a block.
inline constexpr std::int64_t parameter_block = 16384;

/// A parameter's gradient, value and state as real numbers. `index` is its place in the optimiser's list.
template <class T>
struct ParameterView {
  const T* gradient = nullptr;
  T *value = nullptr, *first = nullptr, *second = nullptr;  ///< first, second: m and v of Adam; velocity
  std::int64_t n = 0, index = 0;
  GroupStep<T> group{};
};

/// Elements begin .. end-1 of one parameter.
template <class T>
struct ParameterPart {
  ParameterView<T> p;
  std::int64_t begin, end;
};

/// Up to 40 parameters, as many as fit into the arguments of a CUDA kernel.
template <class T>
struct ParameterTable {
  static constexpr int most = 40;
  int count = 0;
  int first_block[most + 1] = {};  ///< of each parameter; the last: how many there are
  ParameterView<T> parameters[most] = {};

  int blocks() const { return first_block[count]; }
  void add(const ParameterView<T>& p) {
    parameters[count] = p;
    const auto blocks_of_it = static_cast<int>((p.n + parameter_block - 1) / parameter_block);
    first_block[count + 1] = first_block[count] + blocks_of_it;
    ++count;
  }
  LRUREC_HOST_DEVICE ParameterPart<T> part(int block) const {
    int low = 0, high = count;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (first_block[middle] <= block ? low : high) = middle;
    }
    const std::int64_t begin = (block - first_block[low]) * parameter_block, n = parameters[low].n;
    return {parameters[low], begin, begin + parameter_block < n ? begin + parameter_block : n};
  }
};

}  // namespace kernels

/// A dense parameter or gradient as real numbers.
inline Tensor parts(const Tensor& t) { return is_complex(t.dtype()) ? t.view_as_real() : t; }

/// Calls run(table) for tables of all f32, then of all f64 parameters that have a gradient. Complex ones
/// count as their parts. fill(k, row) adds to the row of parameter k what else the kernel reads.
template <class Fill, class Run>
void for_each_table(const std::vector<NamedParameter>& parameters, Fill&& fill, Run&& run) {
  const auto tables_of = [&]<class T>(T) {
    Tensors gradients;  // dense, for as long as the kernels read them
    kernels::ParameterTable<T> table;
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      const Tensor& gradient = parameters[k].variable.grad();
      if (!gradient.defined() || real_of(gradient.dtype()) != dtype_of<T> || gradient.numel() == 0) continue;
      gradients.push_back(parts(gradient.contiguous()));
      if (!parameters[k].variable.value().is_contiguous()) {
        fail(ErrorKind::internal,
             "optimizer: parameter {} was given a strided view: set_value(tensor.contiguous())",
             parameters[k].name);
      }
      kernels::ParameterView<T> row;
      row.gradient = gradients.back().template data<T>();
      row.value = parts(parameters[k].variable.value()).template data<T>();
      row.n = gradients.back().numel();
      row.index = static_cast<std::int64_t>(k);
      fill(k, row);
      table.add(row);
      if (table.count < kernels::ParameterTable<T>::most) continue;
      run(table);
      table = kernels::ParameterTable<T>();
    }
    if (table.count > 0) run(table);
  };
  tables_of(float{});
  tables_of(double{});
}

}  // namespace lrurec::nn
