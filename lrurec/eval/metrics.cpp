#include "lrurec/eval/metrics.h"

#include <cmath>

#include "tensor/error.h"

namespace lrurec::eval {
namespace {

const std::vector<std::string> kinds{"Recall", "NDCG", "MRR"};

double gain(const std::string& kind, std::int64_t rank) {
  if (kind == "NDCG") return 1 / std::log2(static_cast<double>(rank) + 1);
  if (kind == "MRR") return 1 / static_cast<double>(rank);
  return 1;
}

}  // namespace

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& kind : kinds) {
      for (const auto k : cutoffs) all.push_back(fmt::format("{}@{}", kind, k));
    }
    return all;
  }();
  return names;
}

double metric_of_rank(const std::string& name, std::int64_t rank) {
  for (const auto& kind : kinds) {
    for (const auto k : cutoffs) {
      if (fmt::format("{}@{}", kind, k) == name) return rank > k ? 0 : gain(kind, rank);
    }
  }
  fail_op("metrics", "there is no metric '{}'", name);
}

void Metrics::add(std::int64_t rank) {
  ++users_;
  for (const auto k : cutoffs) {
    if (rank > k) continue;
    for (const auto& kind : kinds) sums_[fmt::format("{}@{}", kind, k)] += gain(kind, rank);
  }
}

double Metrics::at(const std::string& name) const {
  for (const auto& [known, value] : all()) {
    if (known == name) return value;
  }
  fail_op("metrics", "there is no metric '{}'", name);
}

std::vector<std::pair<std::string, double>> Metrics::all() const {
  std::vector<std::pair<std::string, double>> result;
  for (const auto& kind : kinds) {
    for (const auto k : cutoffs) {
      const std::string name = fmt::format("{}@{}", kind, k);
      const auto it = sums_.find(name);
      const double sum = it == sums_.end() ? 0 : it->second;
      result.emplace_back(name, users_ == 0 ? 0 : sum / static_cast<double>(users_));
    }
  }
  return result;
}

}  // namespace lrurec::eval
