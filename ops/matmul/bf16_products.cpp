#include "ops/matmul/bf16_products.h"

namespace lrurec::ops {
namespace {
thread_local bool products_in_bf16 = false;
}  // namespace

Bf16Products::Bf16Products(bool on) : previous_(products_in_bf16) { products_in_bf16 = on; }
Bf16Products::~Bf16Products() { products_in_bf16 = previous_; }
bool bf16_products() { return products_in_bf16; }

bool has_fast_bf16() {
#if defined(__AVX512BF16__)
  return true;
#else
  return false;
#endif
}

}  // namespace lrurec::ops
