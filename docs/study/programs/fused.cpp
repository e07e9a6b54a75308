// The layer composed of operations and the layer as one operation: the same numbers, other memory.
#include <fmt/format.h>

#include <cmath>

#include "nn/lru.h"
#include "ops/ops.h"
#include "tensor/storage.h"

using namespace lrurec;

struct Run {
  std::vector<double> y, dnu;
  double kept, peak;  // memory, in states of D complex numbers for each token
};

Run run(bool fused) {
  const std::int64_t tokens = 4096, H = 32, D = 64;
  nn::Initializer init(1, DType::f64);
  const nn::LRU layer(H, D, init, nn::WeightScale::fan_in);
  const Variable x(init.truncated_normal({tokens, H}, 1, 3), true);
  const IndexTensor offsets = Tensor::from(std::vector<std::int64_t>{0, 1000, 1001, tokens});

  const double state = 16.0 * D * tokens, before = static_cast<double>(memory_stats().in_use);
  reset_memory_peak();
  const Variable y = fused ? layer.forward(x, offsets).y : layer.forward_composed(x, offsets).y;
  const double kept = (static_cast<double>(memory_stats().in_use) - before) / state;
  ops::sum(ops::square(y)).backward();
  const double peak = (static_cast<double>(memory_stats().peak) - before) / state;
  return {y.value().to_vector<double>(), layer.nu_log.grad().to_vector<double>(), kept, peak};
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(a[i] - b[i])), scale = std::max(scale, std::abs(b[i]));
  return most / scale;
}

int main() {
  const Run composed = run(false), fused = run(true);
  fmt::print("outputs within 1e-12: {}\n", difference(fused.y, composed.y) < 1e-12 ? "yes" : "no");
  fmt::print("gradient of nu within 1e-12: {}\n", difference(fused.dnu, composed.dnu) < 1e-12 ? "yes" : "no");
  fmt::print("kept for the backward, in states a token: composed {:.1f}, fused {:.1f}\n", composed.kept,
             fused.kept);
  fmt::print("peak of forward and backward less than half: {}\n",
             fused.peak < composed.peak / 2 ? "yes" : "no");
}
