// Hello world: fit y = 3 a - 2 b + 1 from noisy samples.
#include <fmt/format.h>

#include "nn/layers.h"
#include "nn/optim/adam.h"
#include "ops/ops.h"
#include "tensor/random.h"

using namespace lrurec;

int main() {
  const Philox random(1, 0);  // number i of stream 0 of seed 1: a function, no state
  std::vector<float> inputs, targets;
  for (std::uint64_t i = 0; i < 256; ++i) {
    const double a = random.normal(3 * i), b = random.normal(3 * i + 1), noise = random.normal(3 * i + 2);
    inputs.insert(inputs.end(), {static_cast<float>(a), static_cast<float>(b)});
    targets.push_back(static_cast<float>(3 * a - 2 * b + 1 + 0.1 * noise));
  }
  const Variable x(Tensor::from(inputs, {256, 2})), y(Tensor::from(targets, {256, 1}));

  nn::Initializer init(1);
  nn::Linear layer(2, 1, init);
  nn::AdamW optimizer({{layer.named_parameters()}}, {.lr = 0.05});
  for (int step = 0; step < 300; ++step) {
    layer.zero_grad();
    const Variable loss = ops::mean(ops::square(layer.forward(x) - y));
    loss.backward();
    optimizer.step();
    if (step % 100 == 0) fmt::print("step {:3}: loss {:.2f}\n", step, loss.value().item<float>());
  }
  const auto w = layer.weight.value().to_vector<float>();
  fmt::print("y = {:.1f} a {:+.1f} b {:+.1f}\n", w[0], w[1], layer.bias.value().item<float>());
}
