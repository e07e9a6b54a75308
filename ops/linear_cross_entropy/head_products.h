#pragma once
// The three products of a tile of the prediction head on a CPU, in the tensors' own type and in bf16: with E
// of n classes from class `first` on and X of the tokens of a chunk,
//
//   scores: S = E X^T        gradients: dX += P^T E,  dE += P X
//
// In S and P the tokens of a class are neighbours, and classes are ld apart. `next`: the tile that is read
// after P, if it waits in memory; else null.

#include <algorithm>
#include <cstdint>

#include "ops/primitives/bf16.h"
#include "ops/primitives/tile_product.h"
#include "tensor/scratch.h"

namespace lrurec::ops::kernels {

/// dE += P X, row by row of register tiles. In between it prefetches the n rows of ld numbers at `next`
/// (null: none), so that a tile in memory arrives while the one before it is multiplied. To prefetch all rows
/// at once would fill the queue to memory and stop the products too.
template <class In, class T>
void add_and_fetch(std::int64_t n, std::int64_t H, std::int64_t k, TileOperand<In> p, const In* x, T* dweight,
                   std::int64_t ld, const T* next) {
  if (next == nullptr) return tile_product(TileStart::sum, n, H, k, p, x, H, dweight, H);
  constexpr std::int64_t rows = 6, line = 64 / sizeof(T);
  for (std::int64_t r = 0; r < n; r += rows) {
    const std::int64_t m = std::min(rows, n - r);
    for (std::int64_t i = r * ld; i < (r + m) * ld; i += line) {
      __builtin_prefetch(next + i, /*write=*/0, /*locality=*/2);
    }
    tile_product(TileStart::sum, m, H, k, TileOperand<In>{p.data + r * p.row, p.row, p.column}, x, H,
                 dweight + r * H, H);
  }
}

/// In the type of E: [classes, H].
template <class T>
class HeadProducts {
 public:
  using Element = T;
  HeadProducts(const T* weight, std::int64_t /*classes*/, std::int64_t H, std::int64_t /*tile_classes*/)
      : weight_(weight), H_(H) {}

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
    Gradient(std::int64_t /*tile_classes*/, std::int64_t /*ld*/) {}
  };

  void scores(std::int64_t first, std::int64_t n, const Tokens& x, std::int64_t ld, T* s) const {
    tile_product(TileStart::zero, n, ld, H_, TileOperand<T>{weight_ + first * H_, H_, 1}, x.columns_.data(),
                 ld, s, ld);
  }
  void gradients(std::int64_t first, std::int64_t n, std::int64_t tokens, const Tokens& x, std::int64_t ld,
                 const T* p, Gradient&, T* dx, T* dweight, const T* next) const {
    tile_product(TileStart::sum, tokens, H_, n, TileOperand<T>{p, 1, ld}, weight_ + first * H_, H_, dx, H_);
    add_and_fetch(n, H_, tokens, TileOperand<T>{p, ld, 1}, x.rows_, dweight, ld, next);
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
  /// tile_classes: even, so that no pair belongs to two tiles.
  Bf16HeadProducts(const float* weight, std::int64_t classes, std::int64_t H, std::int64_t tile_classes)
      : H_(H), in_rows_(classes * bf16_pairs(H)), of_rows_(bf16_pairs(classes) * H) {
#pragma omp parallel for schedule(static)
    for (std::int64_t first = 0; first < classes; first += tile_classes) {
      const std::int64_t n = std::min(tile_classes, classes - first), pairs = bf16_pairs(H);
      bf16_pairs_in_rows(n, H, weight + first * H, H, in_rows_.data() + first * pairs, pairs);
      bf16_pairs_of_rows(n, H, weight + first * H, H, of_rows_.data() + first / 2 * H, H);
    }
  }

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
    Gradient(std::int64_t tile_classes, std::int64_t ld)
        : of_classes(bf16_pairs(tile_classes) * ld), of_tokens(tile_classes * bf16_pairs(ld)) {}
    Scratch<Bf16Pair> of_classes, of_tokens;
  };

  void scores(std::int64_t first, std::int64_t n, const Tokens& x, std::int64_t ld, float* s) const {
    const std::int64_t pairs = bf16_pairs(H_);
    tile_product(TileStart::zero, n, ld, pairs,
                 TileOperand<Bf16Pair>{in_rows_.data() + first * pairs, pairs, 1}, x.columns_.data(), ld, s,
                 ld);
  }
  void gradients(std::int64_t first, std::int64_t n, std::int64_t tokens, const Tokens& x, std::int64_t ld,
                 const float* p, Gradient& pairs, float* dx, float* dweight, const float* next) const {
    Bf16Pair *of_classes = pairs.of_classes.data(), *of_tokens = pairs.of_tokens.data();
    bf16_pairs_of_rows(n, tokens, p, ld, of_classes, ld);
    tile_product(TileStart::sum, tokens, H_, bf16_pairs(n), TileOperand<Bf16Pair>{of_classes, 1, ld},
                 of_rows_.data() + first / 2 * H_, H_, dx, H_);
    bf16_pairs_in_rows(n, tokens, p, ld, of_tokens, bf16_pairs(ld));
    add_and_fetch(n, H_, bf16_pairs(tokens), TileOperand<Bf16Pair>{of_tokens, bf16_pairs(ld), 1},
                  x.rows_.data(), dweight, ld, next);
  }

 private:
  std::int64_t H_;
  Scratch<Bf16Pair> in_rows_, of_rows_;  ///< E in pairs along H; E in pairs of classes
};

}  // namespace lrurec::ops::kernels
