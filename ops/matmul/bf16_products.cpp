#include "ops/matmul/bf16_products.h"

#include "ops/primitives/amx.h"
#include "ops/primitives/peak.h"

namespace lrurec::ops {
namespace {
thread_local bool products_in_bf16 = false;
}  // namespace

Bf16Products::Bf16Products(bool on) : previous_(products_in_bf16) { products_in_bf16 = on; }
Bf16Products::~Bf16Products() { products_in_bf16 = previous_; }
bool bf16_products() { return products_in_bf16; }

bool bf16_on_amx() { return has_amx(); }

double measured_bf16_speed() {
  static const double speed = bf16_speed();
  return speed;
}

bool has_fast_bf16() {
  // A product also takes time to round and pair its operands, so the bar is above 1.
  return measured_bf16_speed() > 1.25;
}

}  // namespace lrurec::ops
