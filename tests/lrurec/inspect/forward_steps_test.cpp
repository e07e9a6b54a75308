#include "lrurec/inspect/forward_steps.h"

#include <gtest/gtest.h>

#include "lrurec/model/lrurec.h"
#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::inspect {
namespace {

const model::ModelConfig steps_model{.num_items = 9, .hidden = 6, .channels = 12, .blocks = 2};
const std::vector<std::int32_t> steps_history{3, 1, 4, 1, 5};

/// Names of the steps, each with its place in the paper.
std::vector<std::string> lines_of(const model::ModelConfig& config) {
  std::vector<std::string> lines;
  for (const auto& step : forward_steps(model::LRURec(config, 3), steps_history)) {
    lines.push_back(step.equation + (step.place.empty() ? "" : " (" + step.place + ")"));
  }
  return lines;
}

// Written anew from the parameters' names, so that each tests the other.
TEST(ForwardSteps, EndAtTheScoresOfTheModel) {
  const auto changed = [](auto change) {
    model::ModelConfig config = steps_model;
    change(config);
    return config;
  };
  for (const auto& config :
       {steps_model, changed([](auto& c) { c.outer_gelu = true; }),
        changed([](auto& c) { c.layer_norm = false; }), changed([](auto& c) { c.residual = false; }),
        changed([](auto& c) { c.pffn = false; }), changed([](auto& c) { c.blocks = 1; }),
        changed([](auto& c) { c.layer_norm_eps = 0.1; })}) {
    const model::LRURec model(config, 3, DType::f64);
    const auto steps = forward_steps(model, steps_history);
    const NoGrad no_grad;
    const Tensor items = Tensor::from(std::vector<std::int64_t>(steps_history.begin(), steps_history.end()));
    const Variable scores = model.predict(model.encode_composed(items, offsets_of_lengths({5})));
    EXPECT_LT(test::max_difference(steps.back().value, scores.value()), 1e-13);
    for (const auto& step : steps) EXPECT_EQ(step.value.size(0), 5) << step.equation;
  }
}

TEST(ForwardSteps, AreTheLinesOfTheModel) {
  model::ModelConfig one = steps_model;
  one.blocks = 1;
  EXPECT_EQ(lines_of(one),
            (std::vector<std::string>{
                "e = E[item]", "x = LN(e) (eq. 7)", "u = γ (B x + b) (eq. 5)", "h_t = λ h_t-1 + u_t (eq. 5)",
                "r = Re(C h + c) (eq. 5)", "y = LN(r + x) (eq. 9)", "v = GELU(W1 y + b1) (eq. 8)",
                "f = W2 v + b2 (eq. 8)", "x = LN(f + y) (eq. 9)", "scores = E x + b (eq. 10)"}));
  one.layer_norm = one.pffn = false;
  EXPECT_EQ(lines_of(one), (std::vector<std::string>{"e = E[item]", "u = γ (B e + b) (eq. 5)",
                                                     "h_t = λ h_t-1 + u_t (eq. 5)", "r = Re(C h + c) (eq. 5)",
                                                     "y = r + e (eq. 9)", "scores = E y + b (eq. 10)"}));
}

TEST(ForwardSteps, ShowThePapersModelOnly) {
  model::ModelConfig config = steps_model;
  config.gates = true;
  const model::LRURec model(config, 3);
  test::expect_error(ErrorKind::usage, "its sublayers have gates",
                     [&] { forward_steps(model, steps_history); });
}

}  // namespace
}  // namespace lrurec::inspect
