#pragma once
// The lines of unary.inc and binary.inc as types that kernels take: exp_row::f(x), exp_row::df(x, y), ...

#include "ops/primitives/formulas.h"

namespace lrurec::formulas {

enum class Kinds { real, real_and_complex };

#define UNARY(NAME, KINDS, VALUES, F, DF)                                                      \
  struct NAME##_row {                                                                          \
    static constexpr const char* name = #NAME;                                                 \
    static constexpr bool complex = Kinds::KINDS == Kinds::real_and_complex;                   \
    template <class T>                                                                         \
    LRUREC_HOST_DEVICE static T f(const T& x) {                                                \
      return F;                                                                                \
    }                                                                                          \
    template <class T>                                                                         \
    LRUREC_HOST_DEVICE static T df([[maybe_unused]] const T& x, [[maybe_unused]] const T& y) { \
      return DF;                                                                               \
    }                                                                                          \
  };
#include "ops/elementwise/unary.inc"

#define BINARY(NAME, VALUES, F, DFA, DFB)                                                       \
  struct NAME##_row {                                                                           \
    static constexpr const char* name = #NAME;                                                  \
    template <class T>                                                                          \
    LRUREC_HOST_DEVICE static T f(const T& a, const T& b) {                                     \
      return F;                                                                                 \
    }                                                                                           \
    template <class T>                                                                          \
    LRUREC_HOST_DEVICE static T dfa([[maybe_unused]] const T& a, [[maybe_unused]] const T& b) { \
      return DFA;                                                                               \
    }                                                                                           \
    template <class T>                                                                          \
    LRUREC_HOST_DEVICE static T dfb([[maybe_unused]] const T& a, [[maybe_unused]] const T& b) { \
      return DFB;                                                                               \
    }                                                                                           \
  };
#include "ops/elementwise/binary.inc"

}  // namespace lrurec::formulas

/// X(row, T) for every element type T of a line's kinds: LRUREC_TYPES_OF_##KINDS(X, row).
#define LRUREC_TYPES_OF_real(X, ROW) X(ROW, float) X(ROW, double)
#define LRUREC_TYPES_OF_real_and_complex(X, ROW) LRUREC_TYPES_OF_real(X, ROW) X(ROW, c64) X(ROW, c128)
