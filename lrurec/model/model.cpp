#include "lrurec/model/model.h"

#include <algorithm>
#include <cmath>

#include "lrurec/model/models.h"
#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::model {

std::unique_ptr<Model> Model::clone() const {
  auto copy = info().make(config_, nn::Initializer::without_values(dtype()));
  copy->copy_values(*this);
  return copy;
}

Variable Model::no_bias() const {
  return Variable(Tensor::zeros({config_.num_items + 1}, dtype(), device()));
}

Tensor Model::initial_state(const IndexTensor&) const {
  fail(ErrorKind::internal, "[{}] it has no state of a fixed size", info().name);
}

Tensor Model::step(const IndexTensor&, const Tensor&) const {
  fail(ErrorKind::internal, "[{}] it has no state of a fixed size", info().name);
}

Variable Model::loss(const data::BatchTensors& batch, const nn::ForwardContext& context,
                     const ops::HeadOptions& head, double label_smoothing) const {
  const Variable rows = training_rows(batch, context), items = item_matrix(), bias = item_bias();
  const IndexTensor labels = batch.labels.to(device());
  const Variable loss = ops::linear_cross_entropy(rows, items, bias, labels, head.chunk, head.algorithm);
  return label_smoothing > 0 ? loss + label_smoothing * ops::label_margin(rows, items, bias, labels) : loss;
}

Variable Model::loss_composed(const data::BatchTensors& batch, const nn::ForwardContext& context,
                              double label_smoothing) const {
  const Variable scores = predict(training_rows_composed(batch, context));
  const Variable loss = ops::cross_entropy(scores, batch.labels);
  if (label_smoothing <= 0) return loss;
  const Variable counted((batch.labels.values() >= 0).to(dtype()).to(device()));
  const Variable all = ops::sum(ops::mean(-ops::log_softmax(scores), 1) * counted) / ops::sum(counted);
  return (1 - label_smoothing) * loss + label_smoothing * all;
}

Variable Model::sampled_loss(const data::BatchTensors& batch, const IndexTensor& negatives,
                             bool log_correction, const nn::ForwardContext& context) const {
  ops::SampledOptions options;
  if (log_correction && negatives.numel() > 0) {
    options.log_expected_count =
        std::log(static_cast<double>(negatives.size(-1)) / static_cast<double>(config_.num_items));
  }
  return ops::sampled_cross_entropy(training_rows(batch, context), item_matrix(), item_bias(), batch.labels,
                                    negatives, options);
}

Variable Model::predict(const Variable& rows) const { return ops::linear(rows, item_matrix(), item_bias()); }

ops::raw::LinearRanks Model::ranks(const Variable& rows, const IndexTensor& targets,
                                   const ops::raw::ExcludedClasses& excluded, bool with_losses) const {
  return ops::raw::linear_ranks(rows.value(), item_matrix().value(), item_bias().value(), targets, excluded,
                                with_losses);
}

Tensor Model::score(const Tensor& rows, const Tensor& candidates) const {
  const NoGrad no_grad;
  const std::int64_t n = candidates.size(0), k = candidates.size(1);
  const Tensor scores = Tensor::empty({n, k}, rows.dtype(), rows.device());
  const Tensor all = candidates.host();
  const Tensor items = item_matrix().value(), bias = item_bias().value().unsqueeze(1);
  // User by user: the rows of all candidates of all users would be large.
  for (std::int64_t u = 0; u < n; ++u) {
    const IndexTensor ids = IndexTensor(all.select(0, u)).to(rows.device());  // checked without a wait
    const Tensor products = ops::raw::matmul(ops::raw::embedding(items, ids), rows.select(0, u).unsqueeze(1));
    scores.select(0, u).copy_(ops::raw::add(products, ops::raw::embedding(bias, ids)).squeeze(1));
  }
  return scores;
}

std::vector<double> LinearRecurrence::mean_abs_lambda() const {
  const NoGrad no_grad;
  std::vector<double> means;
  for (const Tensor& lambda : lambdas()) {
    means.push_back(ops::mean(ops::abs(Variable(lambda))).value().to(DType::f64).item<double>());
  }
  return means;
}

double LinearRecurrence::max_abs_lambda() const {
  const NoGrad no_grad;
  double largest = 0;
  for (const Tensor& lambda : lambdas()) {
    for (const double modulus : ops::abs(Variable(lambda)).value().to(DType::f64).to_vector<double>()) {
      if (std::isnan(modulus)) return modulus;
      largest = std::max(largest, modulus);
    }
  }
  return largest;
}

}  // namespace lrurec::model
