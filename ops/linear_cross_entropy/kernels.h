#pragma once

#include <cstdint>

#include "ops/linear_cross_entropy/head_algorithm.h"
#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// What linear_cross_entropy reads and writes; gradients are overwritten, and all null where none are wanted.
template <class T>
struct LinearCrossEntropy {
  std::int64_t tokens, H, classes;
  const T *x, *weight, *bias;  ///< [tokens, H], [classes, H], [classes]
  const std::int64_t* labels;  ///< [tokens], -1 = no label
  std::int64_t labelled;       ///< tokens with a label
  std::int64_t chunk;          ///< tokens at a time; two_pass: columns of a split; 0 = chosen
  T* loss;                     ///< [1]: the mean over labelled tokens of log_sum_exp(logits) - logits[label]
  T *dx = nullptr, *dweight = nullptr, *dbias = nullptr;  ///< of the loss
  HeadAlgorithm algorithm = HeadAlgorithm::chunked;       ///< on a GPU
  bool bf16 = false;                                      ///< on a CPU, for f32: operands of products in bf16

  bool wants_gradients() const { return dx != nullptr; }
  T scale() const { return static_cast<T>(1.0 / static_cast<double>(labelled)); }
};

template <class T>
void linear_cross_entropy(Cpu, const LinearCrossEntropy<T>& f);
template <class T>
void linear_cross_entropy(Cuda, const LinearCrossEntropy<T>& f);

}  // namespace lrurec::ops::kernels
