#pragma once
// Kernels of the optimisers: one call for a table of parameters. On a GPU the host waits for none of them.

#include <cstdint>

#include "nn/optim/parameter_table.h"
#include "tensor/device.h"

namespace lrurec::nn::kernels {

/// An entry of a gradient as one number that orders by parameter, then by entry; -1 for none.
LRUREC_HOST_DEVICE inline std::int64_t gradient_entry(std::int64_t index, std::int64_t entry) {
  return (index << 40) | entry;
}
inline std::int64_t parameter_of_entry(std::int64_t code) { return code >> 40; }
inline std::int64_t entry_of_entry(std::int64_t code) { return code & ((std::int64_t{1} << 40) - 1); }

/// What a clipped step leaves in the GPU's memory, f64 [report_size].
enum Report { report_loss, report_norm, report_factor, report_ok, report_bad_entry, report_size };

/// sums[b]: the sum of squares of block b of the table, in double and in a fixed order.
template <class T>
void sum_squares(Cpu, const ParameterTable<T>& table, double* sums);
/// The same, and bad[b]: the gradient_entry of the block's first NaN or infinity, or -1.
template <class T>
void sum_squares(Cuda, const ParameterTable<T>& table, double* sums, std::int64_t* bad);

/// Joins the sums of all blocks in order -> norm, clip factor and whether loss and norm are finite. `halted`,
/// [1], is set to 1 at the first that is not and stays so, and then no later step is ok. loss: [1] or null.
template <class L>
void finish_norm(Cuda, std::int64_t blocks, const double* sums, const std::int64_t* bad, double max_norm,
                 const L* loss, double* halted, double* report);

/// One step (update_rules.h). Gradients are scaled by `scale`, or on a GPU, where `report` is not null, by
/// its factor; a report that is not ok leaves everything as it is. A CPU needs no report, since it knows
/// beforehand. pieces: a GPU's blocks of threads for each block of a parameter.
template <class T>
void adam(Cpu, const ParameterTable<T>& table, const AdamStep<T>& step, T scale, const double* report,
          int pieces);
template <class T>
void adam(Cuda, const ParameterTable<T>& table, const AdamStep<T>& step, T scale, const double* report,
          int pieces);

template <class T>
void sgd(Cpu, const ParameterTable<T>& table, const SgdStep<T>& step, T scale, const double* report);
template <class T>
void sgd(Cuda, const ParameterTable<T>& table, const SgdStep<T>& step, T scale, const double* report);

}  // namespace lrurec::nn::kernels
