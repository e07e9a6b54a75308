#pragma once
// The lines of unary.inc and binary.inc as types that kernels take: exp_row::f(x), exp_row::df(x, y), ...

#include <string_view>

#include "ops/primitives/formulas.h"

namespace lrurec::formulas {

enum class Kinds { real, real_and_complex };

/// Whether a formula has this name in it: what a derivative does not mention need not be saved for it.
constexpr bool mentions(std::string_view formula, std::string_view name) {
  const auto in_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = formula.find(name); at != std::string_view::npos; at = formula.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !in_word(formula[at - 1])) && (end == formula.size() || !in_word(formula[end])))
      return true;
  }
  return false;
}

#define UNARY(NAME, KINDS, VALUES, F, DF)                                                      \
  struct NAME##_row {                                                                          \
    static constexpr const char* name = #NAME;                                                 \
    static constexpr bool complex = Kinds::KINDS == Kinds::real_and_complex;                   \
    static constexpr bool needs_x = mentions(#DF, "x"), needs_y = mentions(#DF, "y");          \
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

#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB)                                                \
  struct NAME##_row {                                                                           \
    static constexpr const char* name = #NAME;                                                  \
    static constexpr bool complex = Kinds::KINDS == Kinds::real_and_complex;                    \
    /* Whether the gradients that are needed mention a (b). */                                  \
    static constexpr bool keeps_a(bool da, bool db) {                                           \
      return (da && mentions(#DFA, "a")) || (db && mentions(#DFB, "a"));                        \
    }                                                                                           \
    static constexpr bool keeps_b(bool da, bool db) {                                           \
      return (da && mentions(#DFA, "b")) || (db && mentions(#DFB, "b"));                        \
    }                                                                                           \
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
