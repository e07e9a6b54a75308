// Reverse mode in a page: values, and for each what it was made of and with which slope.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "ops/ops.h"

struct Tape {
  struct Step {
    std::size_t result, input;
    double slope;  // d result / d input
  };
  std::vector<double> values;
  std::vector<Step> steps;

  std::size_t leaf(double x) {
    values.push_back(x);
    return values.size() - 1;
  }
  std::size_t add(std::size_t a, std::size_t b) {
    const std::size_t y = leaf(values[a] + values[b]);
    steps.push_back({y, a, 1}), steps.push_back({y, b, 1});
    return y;
  }
  std::size_t mul(std::size_t a, std::size_t b) {
    const std::size_t y = leaf(values[a] * values[b]);
    steps.push_back({y, a, values[b]}), steps.push_back({y, b, values[a]});
    return y;
  }
  std::size_t tanh(std::size_t a) {
    const std::size_t y = leaf(std::tanh(values[a]));
    steps.push_back({y, a, 1 - values[y] * values[y]});
    return y;
  }
  std::vector<double> backward(std::size_t loss) const {
    std::vector<double> gradient(values.size());
    gradient[loss] = 1;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step)
      gradient[step->input] += gradient[step->result] * step->slope;
    return gradient;
  }
};

int main() {
  Tape tape;  // loss = tanh(w x + w)^2: w is used twice
  const auto w = tape.leaf(0.5), x = tape.leaf(-2);
  const auto y = tape.tanh(tape.add(tape.mul(w, x), w)), loss = tape.mul(y, y);
  const auto gradient = tape.backward(loss);
  fmt::print("tape:    loss {:.4f}, dw {:.4f}, dx {:.4f}\n", tape.values[loss], gradient[w], gradient[x]);

  using namespace lrurec;
  const Variable W(Tensor::scalar(0.5), true), X(Tensor::scalar(-2.0), true);
  const Variable L = ops::square(ops::tanh(W * X + W));
  L.backward();
  fmt::print("library: loss {:.4f}, dw {:.4f}, dx {:.4f}\n", L.value().item<double>(),
             W.grad().item<double>(), X.grad().item<double>());
}
