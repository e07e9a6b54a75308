#pragma once
// The three products of a tile of the prediction head on a CPU, in the tensors' own type and in bf16: with E
// of n classes from class `first` on and X of the tokens of a chunk,
//
//   scores: S = E X^T        gradients: dX^T += E^T P,  dE += P X
//
// In S, P and dX^T tokens are neighbours, and classes or features are ld apart. Columns of dX^T beyond the
// tokens get any numbers. `next`: the tile that is read after P, if it waits in memory; else null.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "ops/primitives/amx.h"
#include "ops/primitives/bf16.h"
#include "ops/primitives/tile_product.h"
#include "tensor/parallel_errors.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {

/// Calls add(r, m) for rows r to r + m - 1 of n, some at a time. In between it prefetches the n rows of ld
/// numbers at `next` (null: none), so that a tile in memory arrives while the one before it is multiplied. To
/// prefetch all rows at once would fill the queue to memory and stop the products too.
template <class T, class Add>
void add_and_fetch(std::int64_t n, std::int64_t ld, const T* next, std::int64_t rows, const Add& add) {
  if (next == nullptr) return add(std::int64_t{0}, n);
  constexpr std::int64_t line = 64 / sizeof(T);
  for (std::int64_t r = 0; r < n; r += rows) {
    const std::int64_t m = std::min(rows, n - r);
    for (std::int64_t i = r * ld; i < (r + m) * ld; i += line) {
      __builtin_prefetch(next + i, /*write=*/0, /*locality=*/2);
    }
    add(r, m);
  }
}

/// In the type of E: [classes, H].
template <class T>
class HeadProducts {
 public:
  using Element = T;
  HeadProducts(const T* weight, std::int64_t /*classes*/, std::int64_t H) : weight_(weight), H_(H) {}

  /// Classes of a tile: whole rows of register tiles (ops/primitives/tile_product.cpp).
  static std::int64_t tile_classes() { return 126; }

  /// X of a chunk in the layout of the products. Beyond the tokens it holds zeros, or an earlier chunk's
  /// numbers.
  class Tokens {
   public:
    Tokens(std::int64_t ld, std::int64_t H) : columns_(H * ld, T(0)) {}
    void enter(std::int64_t tokens, std::int64_t ld, std::int64_t H, const T* rows) {
      rows_ = rows;
      tile_transpose(tokens, H, rows, H, columns_.data(), ld);
    }

   private:
    friend HeadProducts;
    const T* rows_ = nullptr;
    Scratch<T> columns_;  ///< X^T
  };

  /// P in the layout of the products; each thread has one.
  struct Gradient {
    explicit Gradient(std::int64_t /*ld*/) {}
  };

  void scores(std::int64_t first, std::int64_t n, const Tokens& x, std::int64_t ld, T* s) const {
    tile_product(TileStart::zero, n, ld, H_, TileOperand<T>{weight_ + first * H_, H_, 1}, x.columns_.data(),
                 ld, s, ld);
  }
  void gradients(std::int64_t first, std::int64_t n, std::int64_t tokens, const Tokens& x, std::int64_t ld,
                 const T* p, Gradient&, T* dx, T* dweight, const T* next) const {
    tile_product(TileStart::sum, H_, ld, n, TileOperand<T>{weight_ + first * H_, 1, H_}, p, ld, dx, ld);
    add_and_fetch(n, ld, next, 6, [&](std::int64_t r, std::int64_t m) {
      tile_product(TileStart::sum, m, H_, tokens, TileOperand<T>{p + r * ld, ld, 1}, x.rows_, H_,
                   dweight + r * H_, H_);
    });
  }

 private:
  const T* weight_;
  std::int64_t H_;
};

/// With E, X and P rounded to bf16. Each of them is read by two products with different inner indices, so
/// each is kept twice, in pairs along either index.
class Bf16HeadProducts {
 public:
  using Element = float;
  Bf16HeadProducts(const float* weight, std::int64_t classes, std::int64_t H)
      : H_(H), in_rows_(classes * bf16_pairs(H)), in_columns_(bf16_pairs(classes + tile_classes()) * H) {
    ParallelErrors errors;
#pragma omp parallel
    {
      std::optional<Scratch<float>> columns;
      errors.attempt([&] { columns.emplace(H * tile_classes()); });
#pragma omp for schedule(static)
      for (std::int64_t first = 0; first < classes; first += tile_classes()) {
        errors.attempt(
            [&] { enter_tile(first, std::min(tile_classes(), classes - first), weight, *columns); });
      }
    }
    errors.rethrow();
  }

  /// Even, so that no pair belongs to two tiles: whole registers of AMX, or of vectors as for f32.
  static std::int64_t tile_classes() { return has_amx() ? 128 : 126; }

  class Tokens {
   public:
    Tokens(std::int64_t ld, std::int64_t H)
        : transposed_(H * ld, 0.0F), columns_(bf16_pairs(H) * ld), rows_(bf16_pairs(ld) * H) {}
    void enter(std::int64_t tokens, std::int64_t ld, std::int64_t H, const float* rows) {
      tile_transpose(tokens, H, rows, H, transposed_.data(), ld);
      bf16_pairs_of_rows(H, ld, transposed_.data(), ld, columns_.data(), ld);
      bf16_pairs_of_rows(tokens, H, rows, H, rows_.data(), H);
    }

   private:
    friend Bf16HeadProducts;
    Scratch<float> transposed_;
    Scratch<Bf16Pair> columns_, rows_;  ///< X^T in pairs along H; X in pairs of tokens
  };

  struct Gradient {
    explicit Gradient(std::int64_t ld)
        : of_classes(bf16_pairs(tile_classes()) * ld), of_tokens(tile_classes() * bf16_pairs(ld)) {}
    Scratch<Bf16Pair> of_classes, of_tokens;
  };

  void scores(std::int64_t first, std::int64_t n, const Tokens& x, std::int64_t ld, float* s) const {
    const std::int64_t pairs = bf16_pairs(H_);
    bf16_tile_product(TileStart::zero, n, ld, pairs,
                      TileOperand<Bf16Pair>{in_rows_.data() + first * pairs, pairs, 1}, x.columns_.data(), ld,
                      s, ld);
  }
  void gradients(std::int64_t first, std::int64_t n, std::int64_t tokens, const Tokens& x, std::int64_t ld,
                 const float* p, Gradient& pairs, float* dx, float* dweight, const float* next) const {
    Bf16Pair *of_classes = pairs.of_classes.data(), *of_tokens = pairs.of_tokens.data();
    bf16_pairs_of_rows(n, ld, p, ld, of_classes, ld);
    bf16_tile_product(TileStart::sum, H_, ld, bf16_pairs(n),
                      TileOperand<Bf16Pair>{in_columns_.data() + first / 2 * H_, bf16_pairs(n), 1},
                      of_classes, ld, dx, ld);
    const std::int64_t row = bf16_pairs(ld);
    bf16_pairs_in_rows(n, tokens, p, ld, of_tokens, row);
    add_and_fetch(n, ld, next, has_amx() ? 32 : 6, [&](std::int64_t r, std::int64_t m) {
      bf16_tile_product(TileStart::sum, m, H_, bf16_pairs(tokens),
                        TileOperand<Bf16Pair>{of_tokens + r * row, row, 1}, x.rows_.data(), H_,
                        dweight + r * H_, H_);
    });
  }

 private:
  void enter_tile(std::int64_t first, std::int64_t n, const float* weight,
                  const Scratch<float>& columns) const {
    const std::int64_t pairs = bf16_pairs(H_);
    bf16_pairs_in_rows(n, H_, weight + first * H_, H_, in_rows_.data() + first * pairs, pairs);
    tile_transpose(n, H_, weight + first * H_, H_, columns.data(), n);
    bf16_pairs_in_rows(H_, n, columns.data(), n, in_columns_.data() + first / 2 * H_, bf16_pairs(n));
  }

  std::int64_t H_;
  Scratch<Bf16Pair> in_rows_;     ///< E in pairs along H
  Scratch<Bf16Pair> in_columns_;  ///< E^T in pairs of classes, [H, pairs] of one tile after the other
};

}  // namespace lrurec::ops::kernels
