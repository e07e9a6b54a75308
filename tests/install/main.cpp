// What another project does with the installed libraries: an operation of its own with its backward, checked
// against central differences; blocks of the literature (blocks.h), checked and trained on tasks that need
// memory (tasks.h); and a small LRURec trained on demonstration data.

#include <lrurec/lrurec.h>

#include <cmath>
#include <cstdio>

#include "blocks.h"
#include "tasks.h"

namespace {

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

/// Gradients of a block in f64, with respect to its input and every parameter, over sequences of 3, 0, 1 and
/// 4 tokens.
template <class B>
bool block_is_right(const char* name) {
  nn::Initializer init(1, DType::f64);
  B block(3, init);
  const IndexTensor offsets(Tensor::from(std::vector<std::int64_t>{0, 3, 3, 4, 8}));
  const Variable x(init.normal({8, 3}), /*requires_grad=*/true);
  Variables inputs{x};
  for (const auto& p : block.named_parameters()) inputs.push_back(p.variable);
  const auto report = gradcheck(
      name, [&](const Variables& in) { return Variables{block.forward(in[0], offsets)}; }, inputs);
  std::printf("%s\n", report.str(name).c_str());
  return static_cast<bool>(report);
}

template <class B>
bool block_learns(const char* name) {
  nn::Initializer init(2);
  AddingNetwork<B> adding(16, init);
  const double sums = fit(
      adding, [](std::uint64_t seed) { return adding_problem(seed, 32, 40); }, 400, 0.01);
  const SelectiveCopying task;
  CopyingNetwork<B> copying(task.vocabulary(), 32, init);
  const double letters = fit(
      copying, [&task](std::uint64_t seed) { return task.batch(seed, 32); }, 600, 0.01);
  const double guess = std::log(static_cast<double>(task.letters));
  std::printf("%s: adding problem %.4f, guessing %.4f; selective copying %.3f, guessing %.3f\n", name, sums,
              1.0 / 6, letters, guess);
  return sums < 0.1 / 6 && letters < 0.5 * guess;
}

template <class B>
bool block_works(const char* name) {
  return block_is_right<B>(name) && block_learns<B>(name);
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

int main(int, char** argv) {
  lrurec::ops::restart_tuned(
      argv);  // threads wait without spinning, and OpenBLAS takes kernels for this processor
  const bool right = operation_is_right() && block_works<MinGru>("minGRU") && block_works<RgLru>("RG-LRU") &&
                     block_works<Mamba>("Mamba") && model_learns();
  return right ? 0 : 1;
}
