#include "tensor/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"

namespace lrurec {

Shape::Shape(std::initializer_list<std::int64_t> sizes) {
  for (const auto size : sizes) push_back(size);
}

Shape::Shape(const std::vector<std::int64_t>& sizes) {
  for (const auto size : sizes) push_back(size);
}

std::int64_t Shape::at(int dim) const { return (*this)[normalize_dim("shape", dim, rank_)]; }

std::int64_t Shape::numel(std::string_view op) const {
  std::int64_t n = 1;
  bool overflow = false;
  for (const auto size : *this) overflow |= __builtin_mul_overflow(n, size, &n);
  if (overflow && std::find(begin(), end(), 0) == end()) {
    fail_op(op, "shape {} has more than 2^63 elements", str());
  }
  return n;
}

void Shape::push_back(std::int64_t size) { insert(rank_, size); }

void Shape::insert(int dim, std::int64_t size) {
  if (rank_ == max_rank) fail_op("shape", "{} has the most dimensions supported ({})", str(), max_rank);
  std::copy_backward(sizes_.begin() + dim, sizes_.begin() + rank_, sizes_.begin() + rank_ + 1);
  sizes_[static_cast<std::size_t>(dim)] = size;
  ++rank_;
}

void Shape::erase(int dim) {
  std::copy(sizes_.begin() + dim + 1, sizes_.begin() + rank_, sizes_.begin() + dim);
  --rank_;
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  std::int64_t step = shape.numel() == 0 ? 0 : 1;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const int skip = longer.rank() - shorter.rank();
  for (int d = 0; d < shorter.rank(); ++d) {
    const auto x = longer[d + skip];
    const auto y = shorter[d];
    if (x != y && x != 1 && y != 1) {
      fail_op(op, "shapes {} and {} cannot be broadcast: sizes {} and {} differ", a.str(), b.str(), x, y);
    }
    result[d + skip] = x == 1 ? y : x;
  }
  return result;
}

int normalize_dim(std::string_view op, int dim, int rank) {
  if (dim < -rank || dim >= rank) fail_op(op, "dimension {} of a tensor of rank {}", dim, rank);
  return dim < 0 ? dim + rank : dim;
}

}  // namespace lrurec
