#pragma once
// One row per unary operation: its name, f(x), and its derivative df(x, y) where y = f(x).
// T is a scalar (real or complex), an xsimd batch, or a number in a CUDA kernel: functions.h has exp, sin,
// ... for all.

#include "ops/elementwise/functions.h"

namespace lrurec::ops::rows {

struct Neg {
  static constexpr const char* name = "neg";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return -x;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T&, const T&) {
    return T(-1);
  }
};

struct Exp {
  static constexpr const char* name = "exp";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return exp(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T&, const T& y) {
    return y;
  }
};

struct Log {
  static constexpr const char* name = "log";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return log(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T& x, const T&) {
    return T(1) / x;
  }
};

struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return sqrt(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T&, const T& y) {
    return T(0.5) / y;
  }
};

struct Square {
  static constexpr const char* name = "square";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return x * x;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T& x, const T&) {
    return x + x;
  }
};

struct Reciprocal {
  static constexpr const char* name = "reciprocal";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return T(1) / x;
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T&, const T& y) {
    return -y * y;
  }
};

struct Sin {
  static constexpr const char* name = "sin";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return sin(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T& x, const T&) {
    return cos(x);
  }
};

struct Cos {
  static constexpr const char* name = "cos";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return cos(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T& x, const T&) {
    return -sin(x);
  }
};

struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr bool complex = true;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return tanh(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T&, const T& y) {
    return T(1) - y * y;
  }
};

struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr bool complex = false;
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return T(1) / (T(1) + exp(-x));
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T&, const T& y) {
    return y * (T(1) - y);
  }
};

struct Relu {
  static constexpr const char* name = "relu";
  static constexpr bool complex = false;
  // A NaN stays a NaN: it must not be hidden by the comparison.
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return choose(x < T(0), T(0), x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T& x, const T&) {
    return choose(x > T(0), T(1), T(0));
  }
};

struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr bool complex = false;
  static constexpr double sqrt_half = 0.70710678118654752440;
  static constexpr double inv_sqrt_2pi = 0.39894228040143267794;
  // Phi(x) = (1 + erf(x / sqrt 2)) / 2, phi(x) = exp(-x^2 / 2) / sqrt(2 pi).
  template <class T>
  LRUREC_HOST_DEVICE static T cdf(const T& x) {
    return T(0.5) * (T(1) + erf(x * T(sqrt_half)));
  }
  template <class T>
  LRUREC_HOST_DEVICE static T f(const T& x) {
    return x * cdf(x);
  }
  template <class T>
  LRUREC_HOST_DEVICE static T df(const T& x, const T&) {
    return cdf(x) + x * exp(x * x * T(-0.5)) * T(inv_sqrt_2pi);
  }
};

}  // namespace lrurec::ops::rows

/// X(Row, function) for every row.
#define LRUREC_UNARY_ROWS(X) \
  X(Neg, neg)                \
  X(Exp, exp)                \
  X(Log, log)                \
  X(Sqrt, sqrt)              \
  X(Square, square)          \
  X(Reciprocal, reciprocal)  \
  X(Sin, sin)                \
  X(Cos, cos)                \
  X(Tanh, tanh)              \
  X(Sigmoid, sigmoid)        \
  X(Relu, relu)              \
  X(Gelu, gelu)
