#pragma once
// One self-contained page on which a trained LRURec can be played with.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lrurec/train/loaded_run.h"

namespace lrurec::explore {

/// A history that the page offers, under a name.
struct Example {
  std::string name;
  std::vector<std::int32_t> items;  ///< 1..|I|, oldest first, at least one
};

/// What the page is made from:
///
///   name, step; config: sizes and switches of the model
///   weights    {values: f32 of all parameters in base64, tensors: [{name, at, length}]}; a complex
///              number is two
///   items      raw ids of items 1, 2, ...; titles of them, or null
///   users      [{user, items, earlier}], the examples. `items` are the last max_length ones, which the
///              model reads; `earlier`, those before, are no candidates either
///   training   [{step, lambda}] of each validation round; empty where the run did not record it
///
/// The page computes an LRURec with the LRU as backbone, plain sublayers and any of the paper's ablations;
/// another model is ErrorKind::usage.
nlohmann::json describe(const train::LoadedRun& run, const std::vector<Example>& examples);

/// HTML of the page for such a description.
std::string page(const nlohmann::json& description);

}  // namespace lrurec::explore
