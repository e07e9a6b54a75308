#include "lrurec/model/models.h"

#include <fmt/format.h>

#include <algorithm>

#include "lrurec/model/bert4rec.h"
#include "lrurec/model/fism.h"
#include "lrurec/model/fmlp_rec.h"
#include "lrurec/model/fpmc.h"
#include "lrurec/model/gru4rec.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/model/mf.h"
#include "lrurec/model/narm.h"
#include "lrurec/model/sasrec.h"
#include "lrurec/util/suggest.h"
#include "tensor/error.h"

namespace lrurec::model {

const std::vector<const ModelInfo*>& models() {
  static const std::vector<const ModelInfo*> all{&MF::about(),       &FPMC::about(),    &FISM::about(),
                                                 &Gru4Rec::about(),  &NARM::about(),    &SASRec::about(),
                                                 &BERT4Rec::about(), &FMLPRec::about(), &LRURec::about()};
  return all;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const ModelInfo* info : models()) names.push_back(info->name);
  return names;
}

const ModelInfo& find_model(const std::string& name) {
  for (const ModelInfo* info : models()) {
    if (info->name == name) return *info;
  }
  fail(ErrorKind::usage, "unknown model '{}'{}", name, util::choices(name, model_names()));
}

std::unique_ptr<Model> make_model(const ModelConfig& config, std::uint64_t seed, DType real) {
  return find_model(config.model).make(config, nn::Initializer(seed, real));
}

std::unique_ptr<Model> make_model_without_values(const ModelConfig& config) {
  return find_model(config.model).make(config, nn::Initializer::without_values(DType::f32));
}

std::int64_t real_parameters(const nn::Module& model) {
  std::int64_t count = 0;
  for (const auto& p : model.named_parameters()) {
    count += p.variable.value().numel() * (is_complex(p.variable.dtype()) ? 2 : 1);
  }
  return count;
}

Flop training_flop(const Model& model, const Work& work, double classes) {
  const auto K = static_cast<double>(model.item_vectors().size(1));
  return {6 * work.rows * classes * K, 3 * model.info().forward_flop(model.config(), work)};
}

}  // namespace lrurec::model
