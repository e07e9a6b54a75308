#include "lrurec/train/weight_average.h"

#include <algorithm>

#include "nn/serialization/module_file.h"
#include "ops/ops.h"

namespace lrurec::train {

void WeightAverage::update(const model::Model& weights, std::int64_t step) {
  const NoGrad no_grad;
  const auto t = static_cast<double>(step);
  const double d = std::min(decay_, t / (t + 9));
  const auto from = nn::each_once(weights.named_parameters()), to = nn::each_once(model_->named_parameters());
  for (std::size_t i = 0; i < to.size(); ++i) {
    // d a + (1 - d) w, in a form that leaves weights that stand still as they are. As floats, d and 1 - d do
    // not add up to 1, so the plain form would shrink them.
    const Variable& average = to[i].variable;
    const Variable next = average + (from[i].variable - average) * (1 - d);
    Tensor(average.value()).copy_(next.value());
  }
}

std::map<std::string, nn::TensorRecord> WeightAverage::records() const {
  std::map<std::string, nn::TensorRecord> named;
  for (auto& [name, record] : nn::to_records(*model_)) {
    named.emplace(std::string(prefix) + name, std::move(record));
  }
  return named;
}

void WeightAverage::load(const std::map<std::string, nn::TensorRecord>& records) {
  std::map<std::string, nn::TensorRecord> own;
  for (const auto& [name, record] : records) {
    if (is_ours(name)) own.emplace(name.substr(prefix.size()), record);
  }
  nn::load_records(own, *model_);
}

}  // namespace lrurec::train
