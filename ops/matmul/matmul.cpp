#include "ops/matmul/matmul.h"

#include "ops/complex/complex.h"
#include "ops/primitives/gemm.h"
#include "ops/reduce/sum_to.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

/// The last two dimensions of a tensor as BLAS reads them.
struct Matrix {
  Tensor tensor;
  Read read;
  std::int64_t ld;

  Matrix(const Tensor& t, bool conj) : tensor(t) {
    const auto rows = t.size(-2), columns = t.size(-1);
    const auto row_step = t.strides().at(-2), column_step = t.strides().at(-1);
    const bool by_rows = column_step == 1 && row_step >= columns;
    const bool by_columns = row_step == 1 && column_step >= rows;
    if (by_columns && !by_rows) {
      read = conj ? Read::conj_transpose : Read::transpose;
      ld = column_step;
      return;
    }
    // cuBLAS reads a conjugate only together with the transpose.
    const bool conjugate_first = conj && is_complex(t.dtype()) && t.device().is_cuda();
    if (conjugate_first) {
      tensor = raw::conj(t);
    } else if (!by_rows) {
      tensor = t.contiguous();
    }
    read = conj && !conjugate_first ? Read::conj : Read::plain;
    ld = by_rows && !conjugate_first ? row_step : columns;
  }
};

Shape batch_shape(const Tensor& t) {
  Shape shape = t.shape();
  shape.erase(shape.rank() - 1);
  shape.erase(shape.rank() - 1);
  return shape;
}

/// The matrix at position `entry` (row-major) of the batch dimensions.
Tensor batch_entry(Tensor t, const Shape& batch, std::int64_t entry) {
  std::int64_t below = batch.numel();
  for (const auto size : batch) {
    below /= size;
    t = t.select(0, entry / below % size);
  }
  return t;
}

Shape with_matrix(Shape batch, std::int64_t rows, std::int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

/// A product with vectors as one of matrices: the shapes of the operands, and the shape of the result.
struct AsMatrices {
  Shape a, b;
  bool row, column;  ///< a is a vector, b is a vector

  AsMatrices(const Tensor& left, const Tensor& right)
      : a(left.shape()), b(right.shape()), row(a.rank() == 1), column(b.rank() == 1) {
    if (a.rank() < 1 || b.rank() < 1) {
      fail_op("matmul", "a: {} and b: {}: both need at least one dimension", a.str(), b.str());
    }
    if (row) a = {1, a[0]};
    if (column) b = {b[0], 1};
  }
  bool any() const { return row || column; }
  /// [..., m, n] without the dimensions that were added.
  Shape result(const Shape& product) const {
    Shape shape;
    for (int d = 0; d < product.rank(); ++d) {
      const bool added = (row && d == product.rank() - 2) || (column && d == product.rank() - 1);
      if (!added) shape.push_back(product[d]);
    }
    return shape;
  }
};

}  // namespace

Tensor raw::matmul(const Tensor& left, const Tensor& right, bool conj_a, bool conj_b) {
  if (const AsMatrices as(left, right); as.any()) {
    const Tensor y = matmul(left.reshape(as.a), right.reshape(as.b), conj_a, conj_b);
    return y.reshape(as.result(y.shape()));
  }
  const auto m = left.size(-2), k = left.size(-1), n = right.size(-1);
  if (k != right.size(-2)) {
    fail_op("matmul", "a: {} and b: {}: inner sizes {} and {} differ", left.shape().str(),
            right.shape().str(), k, right.size(-2));
  }
  const DType dtype = promote(left.dtype(), right.dtype());
  const Shape batch = broadcast_shapes("matmul", batch_shape(left), batch_shape(right));
  const Tensor a = left.to(dtype).broadcast_to(with_matrix(batch, m, k));
  const Tensor b = right.to(dtype).broadcast_to(with_matrix(batch, k, n));
  Tensor y = Tensor::empty(with_matrix(batch, m, n), dtype, a.device());

  for (std::int64_t entry = 0; entry < batch.numel(); ++entry) {
    const Tensor c = batch_entry(y, batch, entry);
    const Matrix A(batch_entry(a, batch, entry), conj_a), B(batch_entry(b, batch, entry), conj_b);
    dispatch_inexact("matmul", dtype, [&]<class T>() {
      on_device("matmul", a.device(), [&](auto where) {
        kernels::gemm<T>(where, A.read, B.read, m, n, k, A.tensor.data<T>(), A.ld, B.tensor.data<T>(), B.ld,
                         T(0), c.data<T>(), n);
      });
    });
  }
  return y;
}

// y = a b: da = dy b^H, db = a^H dy
Variable matmul(const Variable& a, const Variable& b) {
  if (const AsMatrices as(a.value(), b.value()); as.any()) {
    const Variable y = matmul(as.row ? reshape(a, as.a) : a, as.column ? reshape(b, as.b) : b);
    return reshape(y, as.result(y.shape()));
  }
  return record("matmul", {a, b}, raw::matmul(a.value(), b.value()),
                [a = a.value(), b = b.value()](const Tensor& dy, const Needs& needs) {
                  Tensors grads(2);
                  if (needs[0]) {
                    grads[0] = raw::fit_gradient(raw::matmul(dy, b.transpose(-1, -2), false, true), a.shape(),
                                                 a.dtype());
                  }
                  if (needs[1]) {
                    grads[1] = raw::fit_gradient(raw::matmul(a.transpose(-1, -2), dy, true, false), b.shape(),
                                                 b.dtype());
                  }
                  return grads;
                });
}

}  // namespace lrurec::ops
