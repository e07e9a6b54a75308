#pragma once
// An average of the weights over the steps, which is validated and kept in their place.

#include <map>
#include <memory>
#include <string>

#include "lrurec/model/model.h"
#include "nn/serialization/tensor_record.h"

namespace lrurec::train {

/// After step t = 1, 2, ...: average = d average + (1 - d) weights, d = min(decay, t / (t + 9)), so that the
/// first steps are soon forgotten. Before the first step the average is the weights.
class WeightAverage {
 public:
  WeightAverage(const model::Model& weights, double decay) : decay_(decay), model_(weights.clone()) {}

  void update(const model::Model& weights, std::int64_t step);
  const model::Model& model() const { return *model_; }

  /// As a checkpoint holds them, beside the optimiser's state. load() of records that do not fit is
  /// ErrorKind::file.
  std::map<std::string, nn::TensorRecord> records() const;
  void load(const std::map<std::string, nn::TensorRecord>& records);
  static bool is_ours(const std::string& name) { return name.starts_with(prefix); }

 private:
  static constexpr std::string_view prefix = "average.";
  double decay_;
  std::unique_ptr<model::Model> model_;
};

}  // namespace lrurec::train
