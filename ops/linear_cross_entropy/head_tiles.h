#pragma once

#include <algorithm>
#include <cstdint>

namespace lrurec::ops {

/// How a pass of the two-pass head is shared out. A block of threads takes a tile of rows and one of `splits`
/// runs of column tiles; the results of a row's splits are joined in order. All of it depends on sizes alone,
/// so every GPU gives the same bits.
struct HeadTiles {
  static constexpr std::int64_t size = 64;  ///< columns of a tile
  /// Blocks: two rounds on an H200's 132 multiprocessors, each of which holds `resident` of them at once.
  static constexpr std::int64_t most(std::int64_t resident) { return 2 * 132 * resident; }

  std::int64_t row_tiles, column_tiles;
  std::int64_t length;  ///< column tiles of a split
  std::int64_t splits;

  /// tile_rows: rows of a tile. resident: blocks that a multiprocessor holds at once. asked: columns of a
  /// split, rounded up to tiles; 0: as many as make about most(resident) blocks.
  HeadTiles(std::int64_t rows, std::int64_t columns, std::int64_t tile_rows, std::int64_t resident,
            std::int64_t asked = 0)
      : row_tiles((rows + tile_rows - 1) / tile_rows), column_tiles((columns + size - 1) / size) {
    const std::int64_t wanted = std::clamp<std::int64_t>(
        most(resident) / std::max<std::int64_t>(row_tiles, 1), 1, std::max<std::int64_t>(column_tiles, 1));
    length = asked > 0 ? (asked + size - 1) / size
                       : std::max<std::int64_t>((column_tiles + wanted - 1) / wanted, 1);
    splits = std::max<std::int64_t>((column_tiles + length - 1) / length, 1);
  }
};

}  // namespace lrurec::ops
