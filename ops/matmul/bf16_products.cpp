#include "ops/matmul/bf16_products.h"

#include <atomic>

namespace lrurec::ops {
namespace {
std::atomic<bool> products_in_bf16 = false;
}  // namespace

void set_bf16_products(bool on) { products_in_bf16 = on; }
bool bf16_products() { return products_in_bf16; }

bool has_fast_bf16() {
#if defined(__AVX512BF16__)
  return true;
#else
  return false;
#endif
}

}  // namespace lrurec::ops
