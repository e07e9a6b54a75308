#include "lrurec/inspect/eigenvalues.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "lrurec/model/models.h"
#include "tensor/error.h"

namespace lrurec::inspect {

std::vector<Eigenvalues> eigenvalues(const model::Model& model) {
  std::vector<Eigenvalues> blocks;
  const auto* recurrence = model.recurrence();
  if (recurrence == nullptr) {
    fail(ErrorKind::usage, "{} has no linear recurrence, and so no eigenvalues", model.info().title);
  }
  for (const Tensor& lambda : recurrence->lambdas()) {
    const Tensor exact = lambda.to(DType::c128);
    const auto* values = exact.data<std::complex<double>>();
    blocks.emplace_back(values, values + exact.numel());
  }
  return blocks;
}

std::vector<Eigenvalues> initial_eigenvalues(const model::ModelConfig& config, std::uint64_t seed) {
  return eigenvalues(*model::make_model(config, seed));
}

double mean_abs(const Eigenvalues& lambda) {
  const double sum =
      std::accumulate(lambda.begin(), lambda.end(), 0.0, [](double s, auto z) { return s + std::abs(z); });
  return sum / static_cast<double>(lambda.size());
}

double half_life(std::complex<double> lambda) {
  const double abs = std::abs(lambda);
  return abs > 0 ? std::log(0.5) / std::log(abs) : 0.0;
}

double median_half_life(const Eigenvalues& lambda) {
  std::vector<double> lives;
  for (const auto z : lambda) lives.push_back(half_life(z));
  const auto middle = lives.begin() + std::ssize(lives) / 2;
  std::nth_element(lives.begin(), middle, lives.end());
  return *middle;
}

std::vector<double> published_mean_abs(std::int64_t num_items) {
  static const std::map<std::int64_t, std::vector<double>> table5{
      {3416, {.3927, .4216}},    // ML-1M
      {57289, {.2540, .3099}},   // Beauty
      {23715, {.2501, .3047}},   // Video
      {83728, {.3675, .4287}},   // Sports
      {13047, {.3382, .3687}},   // Steam
      {2122932, {.7720, .8045}}  // XLong
  };
  const auto it = table5.find(num_items);
  return it == table5.end() ? std::vector<double>{} : it->second;
}

}  // namespace lrurec::inspect
