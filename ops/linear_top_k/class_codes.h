#pragma once
// Classes in 7 bits and rows in 6: scores within a known distance of the exact ones, at a third of their
// cost.
//
// With the mean w0 of all w, whole numbers q, p and scales a, A:  w - w0 = a q + r,  x = A p + e.  Then
//
//   x w + b = x w0 + [A a (p q) + b] + A p r + e (w - w0)
//   |A p r + e (w - w0)| <= |A p| |r| + |e| |w - w0| <= m_x m_w      (Cauchy-Schwarz)
//   m_x = max(|A p|, |e| / t),  m_w = |r| + t |w - w0|               for any t > 0.
//
// The part in brackets is the estimate. Both sides are also rounded: the exact score is a chain of H
// multiply-adds, the estimate a few. Each is off by at most 2^-24 of numbers no larger than |x| |w|, |b| and
// m_x m_w <= 41 |x| |w - w0| (codes are the nearest whole numbers, so |e| <= |x| and |r| <= |w - w0|). So
//
//   |score - x w0 - estimate| <= m_x m_w + d
//   d = (H + 64) 2^-23 (|x| (max|w| + max|w - w0|) + max|b|) + the smallest normal float.

#include <array>
#include <cstdint>
#include <vector>

#include "tensor/scratch.h"

namespace lrurec::ops::kernels {

/// All classes of W [C, H] and b [C], f32, in tiles of 16 groups of 8: a vector holds 4 elements of each
/// class of a group. A sample of all classes comes first, so that the bar is high early. Then come the
/// classes that can have the highest scores. Without the sample, where many classes have large vectors that
/// are all alike, every one of them would be scored; a trained model has such vectors for items that never
/// were a label.
class ClassCodes {
 public:
  static constexpr std::int64_t group = 8, tile = 128;  ///< classes
  static constexpr std::int64_t sample_tiles = 4;       ///< the first, a sample of all classes
  static constexpr std::int64_t block = 16;             ///< elements of a row that are summed in 16 bits
  static constexpr std::int64_t most_width = 8192;      ///< H up to which p q is exact in a float

  ClassCodes(std::int64_t C, std::int64_t H, const float* weight, const float* bias);

  /// Whether there are bounds: all weights are finite and not huge, H is at most most_width.
  bool sound() const { return sound_; }
  std::int64_t tiles() const { return tiles_; }
  std::int64_t padded_width() const { return padded_width_; }

  /// The class at a place, 0 .. C - 1.
  std::int64_t id(std::int64_t place) const { return order_[static_cast<std::size_t>(place)]; }

  // The arrays of tile j, of which the members below say more.
  const std::int8_t* codes(std::int64_t j) const { return codes_.data() + j * tile * padded_width_; }
  const std::int32_t* start(std::int64_t j) const { return start_.data() + j * tile; }
  const float* scale(std::int64_t j) const { return scale_.data() + j * tile; }
  const float* bias(std::int64_t j) const { return bias_.data() + j * tile; }
  const float* error(std::int64_t j) const { return error_.data() + j * tile; }
  const std::vector<double>& mean() const { return mean_; }  ///< w0
  double largest_norm() const { return largest_norm_; }      ///< max|w| + max|w - w0|
  double largest_bias() const { return largest_bias_; }

 private:
  std::int64_t padded_width_, tiles_;
  Scratch<std::int8_t> codes_;   ///< q: [tiles, 16, padded H / 4, 8, 4]
  Scratch<std::int32_t> start_;  ///< -31 sum q, which turns (p + 31) q into p q
  Scratch<float> scale_;         ///< a
  Scratch<float> bias_;          ///< b; beyond the last class the lowest float
  Scratch<float> error_;         ///< m_w
  std::vector<std::int64_t> order_;
  std::vector<double> mean_;
  double largest_norm_ = 0, largest_bias_ = 0;
  bool sound_ = true;
};

/// A row of x.
struct CodedRow {
  const std::uint8_t* codes = nullptr;  ///< p + 31: [padded H]
  float scale = 0;                      ///< A
  float error = 0;                      ///< m_x
  double rounding = 0;                  ///< d
  double shift = 0;                     ///< x w0
};

/// Writes the row's codes; false where x is not finite or a score might overflow, so that there is no bound.
bool code_row(const ClassCodes& classes, std::int64_t H, const float* x, std::uint8_t* codes, CodedRow& row);

/// The result of scanning a tile for a row.
struct TileEstimates {
  float estimate[ClassCodes::tile];
  /// A bit for each class: whether estimate + m_x m_w is at the bar or above it.
  std::array<std::uint64_t, ClassCodes::tile / 64> reached;
};

/// Whether any of tile j's classes reached the bar.
bool estimate_tile(const ClassCodes& classes, std::int64_t j, const CodedRow& row, float bar,
                   TileEstimates& found);

}  // namespace lrurec::ops::kernels
