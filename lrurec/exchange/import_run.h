#pragma once
// A run folder made of weights from elsewhere.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lrurec/data/dataset.h"
#include "lrurec/exchange/weights.h"
#include "lrurec/train/run_folder.h"

namespace lrurec::exchange {

/// Makes a folder that evaluation and everything after it can use like a trained run's: configuration,
/// run.json (`description` as it is given) and the checkpoints best and last, without optimiser state.
/// `max_length`: items of history the model sees. Weights that do not fit the data set are ErrorKind::file:
/// they need its number of items, its number of users if the model knows them, and its fingerprint if the
/// file tells one (not with `other_data`). All is checked before anything is written. Other errors are
/// RunFolder::create's.
train::RunFolder import_run(const Weights& weights, const data::Dataset& data, std::int64_t max_length,
                            bool other_data, const nlohmann::json& description,
                            const std::filesystem::path& folder);

}  // namespace lrurec::exchange
