#pragma once
// The published PyTorch model's names for our parameters, and fixtures computed with it.

#include <string>
#include <vector>

#include "lrurec/model/model.h"
#include "nn/serialization/safetensors.h"

namespace lrurec::model {

/// Copies weights stored under published names with a prefix ("weights.") into the model, converting the
/// dtype. The published params_log [3, D] holds nu_log, theta_log and gamma_log. A missing, misshaped or
/// unused tensor with that prefix is ErrorKind::file, naming it, and so is a parameter without such a name.
void load_published(const nn::Safetensors& file, const std::string& prefix, Model& model);

/// The model's parameters, or with `gradients` their gradients, under the published names; on the CPU.
std::map<std::string, Tensor> to_published(const Model& model, bool gradients = false);

/// The model's sizes, from a fixture's metadata (hidden, blocks, num_items, layer_norm_eps). Missing or
/// impossible ones are ErrorKind::file naming `path`.
ModelConfig config_of_fixture(const nn::Safetensors& file, const std::string& path);

}  // namespace lrurec::model
