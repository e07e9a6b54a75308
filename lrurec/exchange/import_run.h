#pragma once
// A run folder made of weights from elsewhere.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lrurec/data/dataset.h"
#include "lrurec/exchange/weights.h"
#include "lrurec/train/run_folder.h"

namespace lrurec::exchange {

/// Makes a folder that evaluation and everything after it use like that of a trained run: configuration,
/// run.json (`description` as it is given) and the checkpoints best and last, without optimiser state.
/// `max_length`: items of history the model sees. Weights that do not fit the data set (number of items; its
/// fingerprint, where the file tells one, unless `other_data`) are ErrorKind::file. All is checked before
/// anything is written.
train::RunFolder import_run(const Weights& weights, const data::Dataset& data, std::int64_t max_length,
                            bool other_data, const nlohmann::json& description,
                            const std::filesystem::path& folder);

}  // namespace lrurec::exchange
