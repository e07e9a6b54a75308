#include "lrurec/model/mf.h"

#include <algorithm>

#include "lrurec/model/models.h"
#include "tensor/error.h"

namespace lrurec::model {

const ModelInfo& MF::about() {
  static const ModelInfo info{
      .name = "mf",
      .title = "MF",
      .what = "matrix factorisation: a vector for each user, one for each item",
      .paper = "Koren et al., Computer 2009",
      .knows_users = true,
      .needs_users = true,
      .event_cost = "none",
      .examples = data::ExampleKind::pairs,
      .settings = {"hidden"},
      .presets = {{"beauty", {{"weight_decay", "0.1"}}}},  // with 0.01 it memorises its users
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<MF>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden);
            return (static_cast<double>(config.num_users) + 1) * H +
                   (static_cast<double>(config.num_items) + 1) * (H + 1);
          },
      .forward_flop = [](const ModelConfig&, const Work&) { return 0.0; }};
  return info;
}

MF::MF(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      users_(config.num_users + 1, config.hidden, init),
      items_(config.num_items + 1, config.hidden, init) {
  register_module("users", users_);
  register_module("items", items_);
  bias_ = register_parameter("bias", init.constant({config.num_items + 1}, 0));
}

Variable MF::training_rows(const data::BatchTensors& batch, const nn::ForwardContext&) const {
  return users_.forward(batch.users.to(device()));
}

Variable MF::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  const auto users = histories.users.host().to_vector<std::int64_t>();
  if (std::ranges::find(users, 0) != users.end()) {
    fail(
        ErrorKind::usage,
        "MF has a vector for each user of its data set and knows no others; name one of them, or use another "
        "model");
  }
  return users_.forward(histories.users.to(device()));
}

}  // namespace lrurec::model
