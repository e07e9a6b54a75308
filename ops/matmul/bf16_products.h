#pragma once
// A choice for trainings on a CPU: products in bf16, faster where the processor has instructions for them.

namespace lrurec::ops {

/// While one of these lives on a thread, linear_cross_entropy, feed_forward and lru called on that thread
/// round the operands of their products to bf16 (8 bits of precision, the range of f32). That goes for f32
/// tensors on a CPU, and only where a gradient is recorded: evaluation and inference keep f32.
///
/// A backward pass multiplies as its forward pass did. Sums, and all that is not a product, stay f32. The
/// bits do not depend on the number of threads that a kernel has. With `on` = false, products inside the
/// scope of another one are in f32 again.
class Bf16Products {
 public:
  explicit Bf16Products(bool on = true);
  ~Bf16Products();
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

 private:
  bool previous_;
};
/// Whether products on this thread are in bf16.
bool bf16_products();

/// Whether they run on AMX, Intel's matrix unit, instead of vectors. Its sums have other bits
/// (ops/primitives/amx.h).
bool bf16_on_amx();

/// How many multiply-adds of bf16 one core makes in the time of one of f32, measured at the first call. A
/// build without AVX512-BF16 stays below 1, and so do processors without AMX whose instruction for it is
/// slow.
double measured_bf16_speed();

/// Whether products in bf16 take less time than those in f32 here.
bool has_fast_bf16();

}  // namespace lrurec::ops
