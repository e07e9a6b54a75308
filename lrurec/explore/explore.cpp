#include "lrurec/explore/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lrurec/explore/assets.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/model/models.h"
#include "lrurec/report/frame.h"
#include "tensor/error.h"

namespace lrurec::explore {
namespace {

void check_can_be_shown(const train::LoadedRun& run) {
  const char* reason = model::unlike_the_papers(run.model->config());
  // Browsers cut texts at half a gigabyte, and the weights are most of the page.
  constexpr std::int64_t most_numbers = 60'000'000;
  if (reason == nullptr && model::real_parameters(*run.model) > most_numbers) {
    reason = "it is too large for a browser";
  }
  if (reason == nullptr) return;
  fail(ErrorKind::usage,
       "{} cannot be explored: {} (lrurec report, inspect summary and inspect memory show any model)",
       run.folder.path().string(), reason);
}

std::string base64(const std::vector<float>& numbers) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<unsigned char> bytes(numbers.size() * sizeof(float));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8U | (j < left ? bytes[i + j] : 0U);
    for (std::size_t j = 0; j < 4; ++j) text += j <= left ? digits[group >> (18 - 6 * j) & 63U] : '=';
  }
  return text;
}

nlohmann::json packed_weights(const model::Model& model) {
  std::vector<float> values;
  nlohmann::json tensors = nlohmann::json::array();
  for (const auto& parameter : model.named_parameters()) {
    const Tensor host = parameter.variable.value().host();
    const Tensor numbers = is_complex(host.dtype()) ? host.to(DType::c64).contiguous().view_as_real()
                                                    : host.to(DType::f32).contiguous();
    tensors.push_back({{"name", parameter.name}, {"at", values.size()}, {"length", numbers.numel()}});
    values.insert(values.end(), numbers.data<float>(), numbers.data<float>() + numbers.numel());
  }
  return {{"values", base64(values)}, {"tensors", std::move(tensors)}};
}

}  // namespace

nlohmann::json describe(const train::LoadedRun& run, const std::vector<Example>& examples) {
  check_can_be_shown(run);
  const auto& config = run.model->config();
  nlohmann::json items = nlohmann::json::array(), users = nlohmann::json::array(),
                 training = nlohmann::json::array();
  for (std::int64_t item = 1; item <= run.data.items(); ++item) items.push_back(run.data.item_name(item));
  nlohmann::json titles;  // null where there are none
  for (std::int64_t item = 1; run.data.has_titles() && item <= run.data.items(); ++item) {
    titles.push_back(run.data.item_title(item));
  }
  for (const auto& example : examples) {
    const auto read = std::min(std::ssize(example.items), run.config.max_length);
    const auto first_read = example.items.end() - read;
    users.push_back({{"user", example.name},
                     {"items", std::vector<std::int32_t>(first_read, example.items.end())},
                     {"earlier", std::vector<std::int32_t>(example.items.begin(), first_read)}});
  }
  for (const auto& line : run.folder.eigenvalue_lines()) {
    if (line.contains("lambda")) training.push_back({{"step", line["step"]}, {"lambda", line["lambda"]}});
  }
  const auto folder = std::filesystem::weakly_canonical(run.folder.path());
  return {{"name", folder.filename().empty() ? folder.string() : folder.filename().string()},
          {"step", run.step},
          {"config",
           {{"num_items", config.num_items},
            {"hidden", config.hidden},
            {"channels", config.channels},
            {"blocks", config.blocks},
            {"max_length", run.config.max_length},
            {"layer_norm_eps", config.layer_norm_eps},
            {"layer_norm", config.layer_norm},
            {"residual", config.residual},
            {"pffn", config.pffn},
            {"outer_gelu", config.outer_gelu}}},
          {"weights", packed_weights(*run.model)},
          {"items", std::move(items)},
          {"titles", std::move(titles)},
          {"users", std::move(users)},
          {"training", std::move(training)}};
}

std::string page(const nlohmann::json& description) {
  std::string script;
  for (const auto part :
       {assets::model_js, assets::eigenvalues_js, assets::scan_js, assets::history_js, assets::explore_js}) {
    script += part;
  }
  return report::framed({.title = "lrurec: inside " + description.at("name").get<std::string>(),
                         .made_by = "lrurec explore",
                         .data = description,
                         .script = script,
                         .style = assets::style});
}

}  // namespace lrurec::explore
