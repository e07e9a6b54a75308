#include "nn/optim/kernels.h"

namespace lrurec::nn::kernels {
namespace {

/// f(part, block) for all blocks of a table, in parallel where it is worth it.
template <class T, class F>
void for_each_part(const ParameterTable<T>& table, F&& f) {
#pragma omp parallel for schedule(static) if (table.blocks() > 2)
  for (int block = 0; block < table.blocks(); ++block) f(table.part(block), block);
}

}  // namespace

template <class T>
void sum_squares(Cpu, const ParameterTable<T>& table, double* sums) {
  for_each_part(table, [&](const ParameterPart<T>& part, int block) {
    const T* g = part.p.gradient;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = part.begin; i < part.end; ++i) {
      sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    }
    sums[block] = sum;
  });
}

template <class T>
void adam(Cpu, const ParameterTable<T>& table, const AdamStep<T>& step, T scale, const double*, int) {
  for_each_part(table, [&](const ParameterPart<T>& part, int) {
    const auto& p = part.p;
    const std::int64_t begin = part.begin, end = part.end;  // clang lets OpenMP use no structured bindings
    const AdamStep<T> numbers = step;
    const GroupStep<T> group = p.group;
    const T* gradient = p.gradient;
    T *value = p.value, *m = p.first, *v = p.second;
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      adam_update(numbers, group, gradient[i] * scale, value[i], m[i], v[i]);
    }
  });
}

template <class T>
void sgd(Cpu, const ParameterTable<T>& table, const SgdStep<T>& step, T scale, const double*) {
  for_each_part(table, [&](const ParameterPart<T>& part, int) {
    const auto& p = part.p;
    const std::int64_t begin = part.begin, end = part.end;  // clang lets OpenMP use no structured bindings
    const GroupStep<T> group = p.group;
    const T* gradient = p.gradient;
    T *value = p.value, *velocity = p.first;
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      sgd_update(step, group, gradient[i] * scale, value[i], velocity[i]);
    }
  });
}

#define OPTIMIZER(T)                                                                               \
  template void sum_squares<T>(Cpu, const ParameterTable<T>&, double*);                            \
  template void adam<T>(Cpu, const ParameterTable<T>&, const AdamStep<T>&, T, const double*, int); \
  template void sgd<T>(Cpu, const ParameterTable<T>&, const SgdStep<T>&, T, const double*);
OPTIMIZER(float)
OPTIMIZER(double)

}  // namespace lrurec::nn::kernels
