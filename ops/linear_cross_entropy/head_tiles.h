#pragma once

#include <algorithm>
#include <cstdint>

namespace lrurec::ops {

/// How a pass of the two-pass head is shared out: a block of threads takes a tile of rows and one of `splits`
/// runs of column tiles; what the splits of a row give is joined in order. That depends on sizes alone: the
/// same bits on every GPU.
struct HeadTiles {
  static constexpr std::int64_t size = 64;  ///< rows and columns of a tile
  /// Two rounds of at most four blocks on each of an H200's 132 multiprocessors.
  static constexpr std::int64_t most_blocks = 2 * 4 * 132;

  std::int64_t row_tiles, column_tiles;
  std::int64_t length;  ///< column tiles of a split
  std::int64_t splits;

  /// asked: columns of a split, rounded up to tiles; 0: as many as make about most_blocks.
  HeadTiles(std::int64_t rows, std::int64_t columns, std::int64_t asked = 0)
      : row_tiles((rows + size - 1) / size), column_tiles((columns + size - 1) / size) {
    const std::int64_t wanted = std::clamp<std::int64_t>(most_blocks / std::max<std::int64_t>(row_tiles, 1),
                                                         1, std::max<std::int64_t>(column_tiles, 1));
    length = asked > 0 ? (asked + size - 1) / size
                       : std::max<std::int64_t>((column_tiles + wanted - 1) / wanted, 1);
    splits = std::max<std::int64_t>((column_tiles + length - 1) / length, 1);
  }
};

}  // namespace lrurec::ops
