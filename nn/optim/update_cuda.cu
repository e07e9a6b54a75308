#include <cmath>
#include <limits>

#include "nn/optim/kernels.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::nn::kernels {
namespace {

// A block of threads takes a block of a parameter. Neighbouring threads take neighbouring elements.
template <class T>
__global__ void __launch_bounds__(cuda::block_threads)
    squares_kernel(ParameterTable<T> table, double* sums, std::int64_t* bad) {
  __shared__ double partial[cuda::warp_size];
  const auto block = static_cast<int>(blockIdx.x);
  const ParameterPart<T> part = table.part(block);
  const T* g = part.p.gradient;
  double sum = 0;
  for (std::int64_t i = part.begin + threadIdx.x; i < part.end; i += cuda::block_threads) {
    sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  }
  sum = cuda::block_sum(sum, partial);
  if (threadIdx.x != 0) return;
  sums[block] = sum;
  bad[block] = -1;
  if (sum - sum == 0) return;
  for (std::int64_t i = part.begin; i < part.end; ++i) {  // happens once in a run
    if (g[i] - g[i] != T(0)) {
      bad[block] = gradient_entry(part.p.index, i);
      return;
    }
  }
}

// One block: thread t adds sums t, t + 256, ...; then a tree.
template <class L>
__global__ void __launch_bounds__(cuda::block_threads)
    finish_kernel(std::int64_t blocks, const double* sums, const std::int64_t* bad, double max_norm,
                  const L* loss, double* halted, double* report) {
  __shared__ double partial[cuda::warp_size];
  double sum = 0;
  for (std::int64_t b = threadIdx.x; b < blocks; b += cuda::block_threads) sum += sums[b];
  const double norm = std::sqrt(cuda::block_sum(sum, partial));
  if (threadIdx.x != 0) return;
  const double value = loss == nullptr ? 0 : static_cast<double>(*loss);
  const bool finite = norm - norm == 0 && value - value == 0;
  const double factor = max_norm / (norm + 1e-6);
  report[report_loss] = value;
  report[report_norm] = norm;
  report[report_factor] = factor < 1 ? factor : 1;
  report[report_ok] = finite && *halted == 0 ? 1 : 0;
  report[report_bad_entry] = -1;
  if (finite) return;
  *halted = 1;
  for (std::int64_t b = 0; b < blocks; ++b) {  // blocks stand in the order of the parameters
    if (bad[b] < 0) continue;
    report[report_bad_entry] = static_cast<double>(bad[b]);
    return;
  }
}

/// Calls update(i, scaled gradient, part) for the elements of this block, or not at all. The blocks along y
/// share out a block of the table.
template <class T, class Update>
__device__ void for_elements(const ParameterTable<T>& table, T scale, const double* report, Update&& update) {
  if (report != nullptr) {
    if (report[report_ok] == 0) return;
    scale = static_cast<T>(report[report_factor]);
  }
  const ParameterPart<T> part = table.part(static_cast<int>(blockIdx.x));
  const std::int64_t piece = (parameter_block + gridDim.y - 1) / gridDim.y,
                     begin = part.begin + blockIdx.y * piece,
                     end = begin + piece < part.end ? begin + piece : part.end;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += cuda::block_threads) {
    update(i, part.p.gradient[i] * scale, part.p);
  }
}

template <class T>
__global__ void __launch_bounds__(cuda::block_threads)
    adam_kernel(ParameterTable<T> table, AdamStep<T> step, T scale, const double* report) {
  for_elements(table, scale, report, [&](std::int64_t i, T g, const ParameterView<T>& p) {
    // All three are read before any is written, since the compiler must assume that a store changes later
    // reads.
    T value = p.value[i], m = p.first[i], v = p.second[i];
    adam_update(step, p.group, g, value, m, v);
    p.value[i] = value, p.first[i] = m, p.second[i] = v;
  });
}

template <class T>
__global__ void __launch_bounds__(cuda::block_threads)
    sgd_kernel(ParameterTable<T> table, SgdStep<T> step, T scale, const double* report) {
  for_elements(table, scale, report, [&](std::int64_t i, T g, const ParameterView<T>& p) {
    T value = p.value[i], velocity = p.first[i];
    sgd_update(step, p.group, g, value, velocity);
    p.value[i] = value, p.first[i] = velocity;
  });
}

template <class T>
unsigned grid(const ParameterTable<T>& table) {
  return static_cast<unsigned>(table.blocks());
}

}  // namespace

template <class T>
void sum_squares(Cuda, const ParameterTable<T>& table, double* sums, std::int64_t* bad) {
  cuda::launch("gradient_norm", squares_kernel<T>, grid(table), cuda::block_threads, 0, table, sums, bad);
}

template <class L>
void finish_norm(Cuda, std::int64_t blocks, const double* sums, const std::int64_t* bad, double max_norm,
                 const L* loss, double* halted, double* report) {
  cuda::launch("gradient_norm", finish_kernel<L>, 1, cuda::block_threads, 0, blocks, sums, bad, max_norm,
               loss, halted, report);
}

template <class T>
void adam(Cuda, const ParameterTable<T>& table, const AdamStep<T>& step, T scale, const double* report,
          int pieces) {
  cuda::launch("adam", adam_kernel<T>, dim3(grid(table), static_cast<unsigned>(pieces)), cuda::block_threads,
               0, table, step, scale, report);
}

template <class T>
void sgd(Cuda, const ParameterTable<T>& table, const SgdStep<T>& step, T scale, const double* report) {
  cuda::launch("sgd", sgd_kernel<T>, grid(table), cuda::block_threads, 0, table, step, scale, report);
}

#define OPTIMIZER(T)                                                                                     \
  template void sum_squares<T>(Cuda, const ParameterTable<T>&, double*, std::int64_t*);                  \
  template void finish_norm<T>(Cuda, std::int64_t, const double*, const std::int64_t*, double, const T*, \
                               double*, double*);                                                        \
  template void adam<T>(Cuda, const ParameterTable<T>&, const AdamStep<T>&, T, const double*, int);      \
  template void sgd<T>(Cuda, const ParameterTable<T>&, const SgdStep<T>&, T, const double*);
OPTIMIZER(float)
OPTIMIZER(double)

}  // namespace lrurec::nn::kernels
