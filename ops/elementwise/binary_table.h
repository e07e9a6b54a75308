#pragma once
// One row per binary operation: its name, f(a, b), and its derivatives by a and by b.

#include "tensor/host_device.h"

namespace lrurec::ops::rows {

struct Add {
  static constexpr const char* name = "add";
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& a, const T& b) {
    return a + b;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfa(const T&, const T&) {
    return T(1);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfb(const T&, const T&) {
    return T(1);
  }
};

struct Sub {
  static constexpr const char* name = "sub";
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& a, const T& b) {
    return a - b;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfa(const T&, const T&) {
    return T(1);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfb(const T&, const T&) {
    return T(-1);
  }
};

struct Mul {
  static constexpr const char* name = "mul";
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& a, const T& b) {
    return a * b;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfa(const T&, const T& b) {
    return b;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfb(const T& a, const T&) {
    return a;
  }
};

struct Div {
  static constexpr const char* name = "div";
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& a, const T& b) {
    return a / b;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfa(const T&, const T& b) {
    return T(1) / b;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T dfb(const T& a, const T& b) {
    return -a / (b * b);
  }
};

}  // namespace lrurec::ops::rows

/// X(Row, function) for every row.
#define LRUREC_BINARY_ROWS(X) \
  X(Add, add)                 \
  X(Sub, sub)                 \
  X(Mul, mul)                 \
  X(Div, div)
