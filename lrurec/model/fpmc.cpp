#include "lrurec/model/fpmc.h"

#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {

const ModelInfo& FPMC::about() {
  static const ModelInfo info{
      .name = "fpmc",
      .title = "FPMC",
      .what = "a factorised Markov chain of the last item, beside matrix factorisation",
      .paper = "Rendle et al., WWW 2010",
      .has_state = true,
      .knows_users = true,
      .event_cost = "H",
      .examples = data::ExampleKind::transitions,
      .settings = {"hidden"},
      .presets = {},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<FPMC>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden);
            return (static_cast<double>(config.num_users) + 1) * H +
                   (static_cast<double>(config.num_items) + 1) * 3 * H;
          },
      .forward_flop = [](const ModelConfig&, const Work&) { return 0.0; }};
  return info;
}

FPMC::FPMC(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      users_(config.num_users + 1, config.hidden, init),
      last_(config.num_items + 1, config.hidden, init),
      items_(config.num_items + 1, 2 * config.hidden, init) {
  register_module("users", users_);
  register_module("last", last_);
  register_module("items", items_);
  users_.weight.value().select(0, 0).copy_(Tensor::zeros({config.hidden}, dtype()));
}

Variable FPMC::rows(const IndexTensor& users, const IndexTensor& last) const {
  return ops::concat({users_.forward(users.to(device())), last_.forward(last.to(device()))}, 1);
}

Variable FPMC::training_rows(const data::BatchTensors& batch, const nn::ForwardContext&) const {
  return rows(batch.users, batch.items);  // a segment is one item
}

Variable FPMC::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  const auto items = histories.items.host().to_vector<std::int64_t>();
  std::vector<std::int64_t> last;
  for (const auto token : last_tokens(histories.offsets).host().to_vector<std::int64_t>()) {
    last.push_back(items[static_cast<std::size_t>(token)]);
  }
  return rows(histories.users, Tensor::from(last));
}

Tensor FPMC::initial_state(const IndexTensor& users) const {
  const NoGrad no_grad;
  const Tensor start = Tensor::zeros({users.numel()}, DType::i64);  // the start token
  return rows(users, start).value().unsqueeze(0);
}

Tensor FPMC::step(const IndexTensor& items, const Tensor& state) const {
  const Tensor row = state.select(0, 0);
  row.slice(1, config_.hidden, 2 * config_.hidden).copy_(last_.step(items.to(device())));
  return row.clone();  // the next step changes the state in place
}

}  // namespace lrurec::model
