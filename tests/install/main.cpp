// What another project does with the installed libraries: an operation of its own with its backward, checked
// against central differences, and a small LRURec trained on demonstration data.

#include <cstdio>

#include "autograd/gradcheck.h"
#include "lrurec/data/demo.h"
#include "lrurec/eval/baselines.h"
#include "lrurec/eval/evaluate.h"
#include "lrurec/train/stepper.h"
#include "ops/ops.h"

namespace {

using namespace lrurec;

/// |z|^2 = z conj(z) of a c128 tensor, as f64.
Tensor squared_modulus(const Tensor& z) {
  const auto values = z.to_vector<c128>();
  std::vector<double> result;
  for (const c128& value : values) result.push_back(std::norm(value));
  return Tensor::from(result, z.shape());
}

/// The same, differentiable: dz = dL/dx + i dL/dy = factor dy z, where the factor is 2.
Variable squared_modulus(const Variable& z, double factor = 2) {
  return record("squared_modulus", {z}, squared_modulus(z.value()),
                [z = z.value(), factor](const Tensor& dy, const Needs&) {
                  auto values = z.to_vector<c128>();
                  const auto upstream = dy.to_vector<double>();
                  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factor * upstream[i];
                  return Tensors{Tensor::from(values, z.shape())};
                });
}

bool operation_is_right() {
  const Variable z(Tensor::from(std::vector<c128>{{1, 2}, {-0.5, 0.25}, {0, -3}}), /*requires_grad=*/true);
  const auto check = [&](double factor) {
    return gradcheck(
        "squared_modulus",
        [factor](const Variables& x) { return Variables{squared_modulus(ops::exp(x[0]), factor)}; }, {z});
  };
  const auto right = check(2), wrong = check(2.1);
  std::printf("%s\n", right.str("squared_modulus").c_str());
  std::printf("with a wrong backward: %s\n", wrong ? "NOT NOTICED" : "noticed");
  return right && !wrong;
}

bool model_learns() {
  const data::Dataset data = data::make_demo({.users = 1000, .items = 200, .mean_length = 20});
  config::TrainConfig config = config::preset("demo");
  config.hidden = 32;
  config.channels = 64;
  train::Stepper stepper(config, data);
  double first = 0, last = 0;
  for (int step = 0; step < 300; ++step) {
    last = stepper.run(step).loss;
    if (step == 0) first = last;
  }
  const eval::EvaluateOptions options{.split = data::Split::test, .max_length = config.max_length};
  const double trained = eval::evaluate(data, stepper.model(), options).metrics.at("Recall@10");
  const double popular = eval::evaluate(data, eval::popularity_scorer(data), options).metrics.at("Recall@10");
  std::printf("loss %.3f -> %.3f, test Recall@10 %.3f, popularity %.3f\n", first, last, trained, popular);
  return last < 0.9 * first && trained > 1.5 * popular;
}

}  // namespace

int main() { return operation_is_right() && model_learns() ? 0 : 1; }
