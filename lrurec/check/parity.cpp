#include "lrurec/check/parity.h"

#include <algorithm>
#include <cmath>

#include "lrurec/model/models.h"
#include "lrurec/model/published.h"
#include "tensor/error.h"

namespace lrurec::check {
namespace {

const Tensor& tensor_of(const nn::Safetensors& file, const std::string& name, int rank,
                        const std::string& path) {
  const auto it = file.tensors.find(name);
  if (it == file.tensors.end()) fail(ErrorKind::file, "{}: tensor '{}' is missing", path, name);
  if (it->second.rank() != rank)
    fail(ErrorKind::file, "{}: tensor '{}' has rank {}", path, name, it->second.rank());
  return it->second;
}

/// A left-padded batch [B, L] as packed sequences: every row is a start token, a sequence of its own, and
/// then its real items. `position` says which packed token each padded position is.
struct Packed {
  std::vector<std::int64_t> items, labels, offsets{0};
  std::vector<std::int64_t> position;  ///< [B * L]
};

Packed pack(const Tensor& input, const Tensor& labels, std::int64_t num_items, const std::string& path) {
  const auto ids = input.to_vector<std::int64_t>(), targets = labels.to_vector<std::int64_t>();
  const auto batch = input.size(0), length = input.size(1);
  Packed packed;
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto start = static_cast<std::int64_t>(packed.items.size());
    packed.items.push_back(0);
    packed.labels.push_back(-1);
    packed.offsets.push_back(start + 1);
    bool padding = true;
    for (std::int64_t t = 0; t < length; ++t) {
      const auto at = static_cast<std::size_t>(b * length + t);
      if (ids[at] < 0 || ids[at] > num_items || targets[at] < 0 || targets[at] > num_items) {
        fail(ErrorKind::file, "{}: input {} or label {} of row {} is not in 0..{}", path, ids[at],
             targets[at], b, num_items);
      }
      if (ids[at] == 0 && !padding) fail(ErrorKind::file, "{}: row {} has padding after an item", path, b);
      padding = ids[at] == 0;
      if (!padding) {
        packed.items.push_back(ids[at]);
        packed.labels.push_back(-1);
      }
      const auto token = padding ? start : static_cast<std::int64_t>(packed.items.size()) - 1;
      packed.position.push_back(token);
      if (targets[at] == 0) continue;
      auto& label = packed.labels[static_cast<std::size_t>(token)];
      if (label >= 0) fail(ErrorKind::file, "{}: row {} has two labels on its padding", path, b);
      label = targets[at];
    }
    packed.offsets.push_back(static_cast<std::int64_t>(packed.items.size()));
  }
  return packed;
}

/// max |a - b|, NaN when one is involved.
double max_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.to(DType::f64).to_vector<double>(), y = b.to(DType::f64).to_vector<double>();
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = std::abs(x[i] - y[i]);
    if (!(d <= largest)) largest = d;
    if (std::isnan(largest)) break;
  }
  return largest;
}

/// |a - b| / |b| in the Euclidean norm.
double relative_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.to(DType::c128).to_vector<c128>(), y = b.to(DType::c128).to_vector<c128>();
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    difference += std::norm(x[i] - y[i]);
    norm += std::norm(y[i]);
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

}  // namespace

bool ParityReport::ok() const {
  return std::all_of(lines.begin(), lines.end(), [](const ParityLine& line) { return line.ok(); });
}

ParityReport check_parity(const std::filesystem::path& fixture, DType precision, Device device,
                          const ParityTolerances& tolerances) {
  const std::string path = fixture.string();
  const nn::Safetensors file = nn::read_safetensors(fixture);
  const model::ModelConfig config = model::config_of_fixture(file, path);
  const Tensor input = tensor_of(file, "input", 2, path), labels = tensor_of(file, "labels", 2, path);
  const Tensor expected = tensor_of(file, "logits", 3, path);
  if (input.dtype() != DType::i64 || labels.dtype() != DType::i64 || labels.shape() != input.shape() ||
      expected.shape() != Shape{input.size(0), input.size(1), config.num_items + 1}) {
    fail(ErrorKind::file, "{}: input, labels and logits must be I64 [B, L], I64 [B, L] and [B, L, |I| + 1]",
         path);
  }
  const auto made = model::make_model(config, /*seed=*/0, precision);
  model::Model& model = *made;
  model::load_published(file, "weights.", model);
  model.to(device);

  const Packed packed = pack(input, labels, config.num_items, path);
  const Tensor items = Tensor::from(packed.items), offsets = Tensor::from(packed.offsets);
  ParityReport report;

  const Tensor logits = model.predict(model.training_rows({items, offsets, {}, {}, {}}, {})).value().host();
  const Tensor flat = expected.reshape({-1, config.num_items + 1});
  double difference = 0;
  for (std::int64_t i = 0; i < flat.size(0); ++i) {
    const double row =
        max_difference(logits.select(0, packed.position[static_cast<std::size_t>(i)]), flat.select(0, i));
    if (!(row <= difference)) difference = row;
    if (std::isnan(difference)) break;
  }
  report.lines.push_back({"logits", difference, tolerances.logits});

  const Variable loss = model.loss({items, offsets, Tensor::from(packed.labels), {}, {}});
  loss.backward();
  const double expected_loss = tensor_of(file, "loss", 1, path).to(DType::f64).select(0, 0).item<double>();
  const double actual_loss = loss.value().to(DType::f64).item<double>();
  report.lines.push_back(
      {"loss", std::abs(actual_loss - expected_loss) / std::abs(expected_loss), tolerances.loss});

  for (const auto& [name, gradient] : model::to_published(model, /*gradients=*/true)) {
    const Tensor& wanted = tensor_of(file, "grads." + name, gradient.rank(), path);
    if (wanted.shape() != gradient.shape()) {
      fail(ErrorKind::file, "{}: gradient of '{}' has shape {}, not {}", path, name, wanted.shape().str(),
           gradient.shape().str());
    }
    report.lines.push_back({name, relative_difference(gradient, wanted), tolerances.gradient});
  }
  return report;
}

}  // namespace lrurec::check
