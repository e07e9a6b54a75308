#include "lrurec/inspect/eigenvalues.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lrurec/model/models.h"
#include "lrurec/reproduce/paper.h"
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
  for (const auto& data : reproduce::paper().data) {
    if (data.items == static_cast<double>(num_items)) {
      return reproduce::find_artifact("table5").values.at(data.name).at("lrurec");
    }
  }
  return {};
}

}  // namespace lrurec::inspect
