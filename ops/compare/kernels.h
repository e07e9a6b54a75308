#pragma once
// Kernels of the comparisons. `out` is dense; a and b have the shape of the loop with their own strides.

#include "tensor/device.h"
#include "tensor/host_device.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

struct Equal {
  static constexpr const char* name = "equal";
  template <class T>
  LRUREC_HOST_DEVICE bool operator()(const T& a, const T& b) const {
    return a == b;
  }
};
struct NotEqual {
  static constexpr const char* name = "not_equal";
  template <class T>
  LRUREC_HOST_DEVICE bool operator()(const T& a, const T& b) const {
    return a != b;
  }
};
struct Less {
  static constexpr const char* name = "less";
  template <class T>
  LRUREC_HOST_DEVICE bool operator()(const T& a, const T& b) const {
    return a < b;
  }
};
struct LessEqual {
  static constexpr const char* name = "less_equal";
  template <class T>
  LRUREC_HOST_DEVICE bool operator()(const T& a, const T& b) const {
    return a <= b;
  }
};

/// out = relation(a, b); operands out, a, b.
template <class Relation, class T>
void compare(Cpu, const StridedLoop<3>& loop, bool* out, const T* a, const T* b);
template <class Relation, class T>
void compare(Cuda, const StridedLoop<3>& loop, bool* out, const T* a, const T* b);

}  // namespace lrurec::ops::kernels

/// X(relation, T) for every relation of an element type; complex numbers have no order.
#define LRUREC_EQUALITIES(X, T) X(Equal, T) X(NotEqual, T)
#define LRUREC_RELATIONS(X, T) LRUREC_EQUALITIES(X, T) X(Less, T) X(LessEqual, T)
