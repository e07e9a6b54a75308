#include "lrurec/inspect/eigenvalues.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "lrurec/model/models.h"
#include "lrurec/util/median.h"
#include "tensor/error.h"

namespace lrurec::inspect {
std::vector<Eigenvalues> eigenvalues(const model::Model& model) {
  std::vector<Eigenvalues> blocks;
  for (const Tensor& lambda : model.eigenvalues()) {
    const auto* values = lambda.data<std::complex<double>>();
    blocks.emplace_back(values, values + lambda.numel());
  }
  if (blocks.empty()) {
    const bool other_backbone = std::ranges::count(model.info().settings, "backbone") > 0;
    fail(ErrorKind::usage, "{}{} has no channels with an eigenvalue each; LRURec with {} has",
         model.info().title,
         other_backbone ? fmt::format(" with the backbone {}", model.config().backbone) : "",
         "lru, gated-lru, s4d or rwkv");
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
  return util::median(std::move(lives));
}

std::vector<MeanDefinition> mean_definitions(const model::Model& model) {
  if (model.recurrence() == nullptr) fail(ErrorKind::internal, "the gains of channels are the LRU's");
  const auto blocks = eigenvalues(model);
  const auto gains = model.recurrence()->gains();
  /// sum w(|lambda|, gain) f(|lambda|) / sum w, of each block
  const auto mean = [&](const std::string& name, auto&& f, auto&& w) {
    MeanDefinition result{name, {}};
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      double sum = 0, weights = 0;
      for (std::size_t k = 0; k < blocks[b].size(); ++k) {
        const double abs = std::abs(blocks[b][k]);
        const double weight = w(abs, gains[b].data<double>()[k], b);
        sum += weight * f(abs);
        weights += weight;
      }
      result.blocks.push_back(sum / weights);
    }
    return result;
  };
  std::vector<double> mean_gains;
  for (const Tensor& gain : gains) {
    const double* values = gain.data<double>();
    mean_gains.push_back(std::accumulate(values, values + gain.numel(), 0.0) /
                         static_cast<double>(gain.numel()));
  }
  const auto itself = [](double abs) { return abs; };
  const auto alike = [](double, double, std::size_t) { return 1.0; };
  std::vector<MeanDefinition> all{
      mean("mean |lambda|, as the paper says", itself, alike),
      mean(
          "mean nu = -ln |lambda|", [](double abs) { return -std::log(abs); }, alike)};
  MeanDefinition geometric{"e^-(mean nu), the geometric mean", {}}, middle{"median |lambda|", {}};
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    geometric.blocks.push_back(std::exp(-all[1].blocks[b]));
    std::vector<double> sizes;
    for (const auto z : blocks[b]) sizes.push_back(std::abs(z));
    middle.blocks.push_back(util::median(std::move(sizes)));
  }
  all.push_back(geometric);
  all.push_back(middle);
  all.push_back(
      mean("weighted by gain gamma |B| |C|", itself, [](double, double gain, std::size_t) { return gain; }));
  all.push_back(mean("weighted by energy gain^2 / (1 - |lambda|^2)", itself,
                     [](double abs, double gain, std::size_t) { return gain * gain / (1 - abs * abs); }));
  all.push_back(
      mean("without channels of a gain below 1/10 of the mean", itself,
           [&](double, double gain, std::size_t b) { return gain < 0.1 * mean_gains[b] ? 0.0 : 1.0; }));
  return all;
}

const MeanDefinition& nearest(const std::vector<MeanDefinition>& definitions,
                              const std::vector<double>& published) {
  const auto distance = [&](const MeanDefinition& one) {
    double sum = 0;
    for (std::size_t b = 0; b < published.size() && b < one.blocks.size(); ++b) {
      sum += std::abs(std::log(one.blocks[b] / published[b]));
    }
    return sum;
  };
  return *std::min_element(definitions.begin(), definitions.end(),
                           [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
}

}  // namespace lrurec::inspect
