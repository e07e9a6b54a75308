#pragma once
// Shapes and strides: short lists of integers, held inline.

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace lrurec {

/// Sizes (or strides, in elements) of a tensor's dimensions, at most `max_rank` of them. Rank 0 is a scalar
/// with one element. Negative dimensions count from the end: `shape[-1]` is the last. `shape.at(-1)` also
/// checks the range.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes);
  explicit Shape(const std::vector<std::int64_t>& sizes);
  /// `rank` sizes from a place in memory.
  Shape(const std::int64_t* sizes, int rank) : rank_(rank) { std::copy_n(sizes, rank, sizes_.begin()); }

  int rank() const { return rank_; }
  std::int64_t operator[](int dim) const { return *(sizes_.data() + place(dim)); }
  std::int64_t& operator[](int dim) { return *(sizes_.data() + place(dim)); }
  std::int64_t at(int dim) const;
  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }

  /// Number of elements, 0 where any size is 0. A number that overflows is an error of `op`.
  std::int64_t numel(std::string_view op = "shape") const;
  void push_back(std::int64_t size);
  void insert(int dim, std::int64_t size);
  void erase(int dim);
  /// "[3, 4]"
  std::string str() const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  int place(int dim) const { return dim < 0 ? dim + rank_ : dim; }

  std::array<std::int64_t, max_rank> sizes_{};
  int rank_ = 0;
};

/// Row-major strides of a dense tensor; 0 for an empty one, since the product of its other sizes may be any
/// number.
Shape contiguous_strides(const Shape& shape);

/// NumPy broadcasting of two shapes. Sizes that differ where neither is 1 are an error of `op` that names
/// both shapes.
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);

/// A dimension as 0 .. rank - 1: negative ones count from the end. One out of range is an error of `op`.
int normalize_dim(std::string_view op, int dim, int rank);

}  // namespace lrurec
