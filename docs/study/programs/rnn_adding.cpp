// The adding problem: 20 numbers of which two are marked; say their sum after the last one.
#include <fmt/format.h>

#include "nn/layers.h"
#include "nn/optim/adam.h"
#include "ops/ops.h"
#include "tensor/random.h"

using namespace lrurec;

const std::int64_t T = 20, B = 32, H = 24;

struct Rnn : nn::Module {  // h = tanh(W [number, mark] + U h), answer = V h
  explicit Rnn(nn::Initializer& init) : W(2, H, init, nn::WeightScale::fan_in), V(H, 1, init) {
    const auto identity = [](std::int64_t i) { return i % (H + 1) == 0 ? 1.0 : 0.0; };
    U = register_parameter("U", init.function({H, H}, identity));
    register_module("W", W), register_module("V", V);
  }
  Variable forward(const Variable& x) const {  // x: [T, B, 2]
    Variable h(Tensor::zeros({B, H}, DType::f32));
    for (std::int64_t t = 0; t < T; ++t)
      h = ops::tanh(W.forward(Variable(x.value().select(0, t))) + ops::linear(h, U));
    return V.forward(h);
  }
  nn::Linear W, V;
  Variable U;
};

int main() {
  nn::Initializer init(1);
  Rnn rnn(init);
  nn::AdamW optimizer({{rnn.named_parameters()}}, {.lr = 0.003});
  double recent = 0;
  for (std::uint64_t step = 0; step < 1000; ++step) {
    const Philox random(2, step);
    std::vector<float> x(T * B * 2), y(B);
    for (std::uint64_t b = 0; b < B; ++b) {
      const std::uint64_t marked[] = {random.below(4 * b, T / 2), T / 2 + random.below(4 * b + 1, T / 2)};
      for (std::uint64_t t = 0; t < T; ++t)
        x[2 * (t * B + b)] = static_cast<float>(random.uniform(1000 + t * B + b));
      for (const auto t : marked) x[2 * (t * B + b) + 1] = 1, y[b] += x[2 * (t * B + b)];
    }
    rnn.zero_grad();
    const Variable error =
        rnn.forward(Variable(Tensor::from(x, {T, B, 2}))) - Variable(Tensor::from(y, {B, 1}));
    const Variable loss = ops::mean(ops::square(error));
    loss.backward();
    optimizer.clip_and_step(1.0);
    recent = 0.98 * recent + 0.02 * static_cast<double>(loss.value().item<float>());
  }
  fmt::print("always saying 1, the mean, has a squared error of {:.3f}\n", 1 / 6.0);
  fmt::print("after 1,000 steps below 0.05: {}\n", recent < 0.05 ? "yes" : "no");
}
