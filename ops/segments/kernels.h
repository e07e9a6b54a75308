#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Rows offsets[s] .. offsets[s+1]-1 of [tokens, width], dense, belong to segment s.
struct SegmentRows {
  std::int64_t segments, width;
  const std::int64_t* offsets;  ///< [segments + 1], on the device
};

/// y[s, :] = sum of x[t, :]
template <class T>
void segment_sum(Cpu, const SegmentRows& rows, const T* x, T* y);
template <class T>
void segment_sum(Cuda, const SegmentRows& rows, const T* x, T* y);

/// y[t, :] = x[s, :]
template <class T>
void segment_spread(Cpu, const SegmentRows& rows, const T* x, T* y);
template <class T>
void segment_spread(Cuda, const SegmentRows& rows, const T* x, T* y);

template <class T>
void segment_softmax(Cpu, const SegmentRows& rows, const T* x, T* y);
template <class T>
void segment_softmax(Cuda, const SegmentRows& rows, const T* x, T* y);
template <class T>
void segment_softmax_backward(Cpu, const SegmentRows& rows, const T* dy, const T* y, T* dx);
template <class T>
void segment_softmax_backward(Cuda, const SegmentRows& rows, const T* dy, const T* y, T* dx);

}  // namespace lrurec::ops::kernels
