#pragma once
// Kernels of the optimisers on a GPU: one launch for all parameters (forty at a time), and nothing the host
// would have to wait for. The CPU's loops are in optimizer.cpp.

#include <cstdint>

#include "tensor/device.h"
#include "tensor/host_device.h"

namespace lrurec::nn::kernels {

/// Elements a block of threads takes.
inline constexpr std::int64_t parameter_block = 16384;

/// A parameter's gradient, value and state as real numbers. `index` is its place in the optimiser's list.
template <class T>
struct ParameterView {
  const T* gradient = nullptr;
  T *value = nullptr, *first = nullptr, *second = nullptr;  ///< first, second: m and v of Adam; velocity
  std::int64_t n = 0, index = 0;
  T shrink = 1, coupled = 0;  ///< weight decay: of the value, and into the gradient
};

/// Up to 40 parameters as an argument of a kernel, cut into blocks.
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
  /// The parameter to which a block belongs.
  LRUREC_HOST_DEVICE int of_block(int block) const {
    int low = 0, high = count;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (first_block[middle] <= block ? low : high) = middle;
    }
    return low;
  }
};

/// An entry of a gradient as one number that orders by parameter, then by entry; -1 for none.
LRUREC_HOST_DEVICE inline std::int64_t gradient_entry(std::int64_t index, std::int64_t entry) {
  return (index << 40) | entry;
}
inline std::int64_t parameter_of_entry(std::int64_t code) { return code >> 40; }
inline std::int64_t entry_of_entry(std::int64_t code) { return code & ((std::int64_t{1} << 40) - 1); }

/// What a clipped step leaves in device memory, f64 [report_size].
enum Report { report_loss, report_norm, report_factor, report_ok, report_bad_entry, report_size };

/// sums[b]: the squares of block b of the table, in double and in a fixed order; bad[b]: the gradient_entry
/// of its first NaN or infinity, or -1.
template <class T>
void sum_squares(Cuda, const ParameterTable<T>& table, double* sums, std::int64_t* bad);

/// Joins the sums of all blocks in order -> norm, clip factor and whether loss and norm are finite. `halted`:
/// [1], becomes 1 at the first that is not and stays so: then no later step is ok either. loss: [1] or null.
template <class L>
void finish_norm(Cuda, std::int64_t blocks, const double* sums, const std::int64_t* bad, double max_norm,
                 const L* loss, double* halted, double* report);

/// Numbers of an Adam step, see nn::Adam.
template <class T>
struct AdamStep {
  T scale, beta1, beta2, step_size, root, eps;
};
/// Gradients are scaled by report's factor, by `scale` where report is null. A report that is not ok leaves
/// everything as it is.
template <class T>
void adam(Cuda, const ParameterTable<T>& table, const AdamStep<T>& step, const double* report);

template <class T>
struct SgdStep {
  T scale, lr, momentum;
};
template <class T>
void sgd(Cuda, const ParameterTable<T>& table, const SgdStep<T>& step, const double* report);

}  // namespace lrurec::nn::kernels
