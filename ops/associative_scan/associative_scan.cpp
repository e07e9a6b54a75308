#include "ops/associative_scan/associative_scan.h"

#include <algorithm>

#include "ops/embedding/embedding.h"
#include "ops/linear_scan/offsets.h"
#include "ops/shape/shape_ops.h"
#include "tensor/error.h"

namespace lrurec::ops {
namespace {

using Rows = std::vector<std::int64_t>;

/// Rows of x [n, ...].
Variable rows_of(const Variable& x, const Rows& rows) {
  Shape shape = x.shape();
  const std::int64_t n = shape[0];
  shape[0] = std::ssize(rows);
  const Variable table = reshape(x, {n, n == 0 ? 0 : x.value().numel() / n});
  const IndexTensor ids = IndexTensor(Tensor::from(rows)).to(x.value().device());
  return reshape(embedding(table, ids), shape);
}

Variables rows_of(const Variables& parts, const Rows& rows) {
  Variables result;
  for (const Variable& x : parts) result.push_back(rows_of(x, rows));
  return result;
}

Variables combined(const Combine& combine, const Variables& left, const Variables& right) {
  Variables result = combine(left, right);
  if (result.size() != left.size()) {
    fail_op("associative_scan", "the operator makes {} parts of {}", result.size(), left.size());
  }
  for (std::size_t k = 0; k < left.size(); ++k) {
    if (result[k].shape() == left[k].shape() && result[k].dtype() == left[k].dtype()) continue;
    fail_op("associative_scan", "part {}: the operator makes {} {} of {} {}", k, name(result[k].dtype()),
            result[k].shape().str(), name(left[k].dtype()), left[k].shape().str());
  }
  return result;
}

/// Joins pairs of neighbours and scans the pairs, of which there are half as many. That gives every second
/// row. Each row between is the one before it joined with its own element.
Variables scan(const Combine& combine, const Variables& x, const Rows& offsets) {
  Rows first, second, pair_offsets{0};  // of pairs
  Rows before, between;                 // joined at the end: pairs scanned up to here, and the element itself
  const std::int64_t tokens = offsets.back();
  Rows source(static_cast<std::size_t>(tokens));  // of each row in [elements; scanned pairs; rows between]
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::int64_t t = offsets[s]; t < offsets[s + 1]; ++t) {
      const std::int64_t place = t - offsets[s];
      if (place % 2 == 1) {
        source[static_cast<std::size_t>(t)] = tokens + std::ssize(first);
        first.push_back(t - 1);
        second.push_back(t);
      } else if (place > 0) {
        between.push_back(t);
        before.push_back(std::ssize(first) - 1);
      } else {
        source[static_cast<std::size_t>(t)] = t;
      }
    }
    pair_offsets.push_back(std::ssize(first));
  }
  if (first.empty()) return x;  // no sequence has two elements
  const Variables pairs =
      scan(combine, combined(combine, rows_of(x, first), rows_of(x, second)), pair_offsets);
  for (std::size_t i = 0; i < between.size(); ++i) {
    source[static_cast<std::size_t>(between[i])] = tokens + std::ssize(first) + static_cast<std::int64_t>(i);
  }
  Variables others;
  if (!between.empty()) others = combined(combine, rows_of(pairs, before), rows_of(x, between));
  Variables result;
  for (std::size_t k = 0; k < x.size(); ++k) {
    Variables all{x[k], pairs[k]};
    if (!between.empty()) all.push_back(others[k]);
    result.push_back(rows_of(concat(all, 0), source));
  }
  return result;
}

}  // namespace

Variables associative_scan(const Combine& combine, const Variables& elements, const IndexTensor& offsets) {
  if (!combine) fail_op("associative_scan", "combine: the function is empty");
  if (elements.empty()) fail_op("associative_scan", "elements: there are none");
  for (const Variable& x : elements) {
    if (x.value().rank() < 1 || x.size(0) != elements[0].size(0)) {
      fail_op("associative_scan", "elements: {} and {} must be [tokens, ...]", elements[0].shape().str(),
              x.shape().str());
    }
  }
  check_offsets("associative_scan", offsets, elements[0].size(0));
  return scan(combine, elements, offsets.host().to_vector<std::int64_t>());
}

}  // namespace lrurec::ops
