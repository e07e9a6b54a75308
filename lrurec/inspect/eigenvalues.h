#pragma once
// What the eigenvalues of a model's recurrence say: how fast each channel turns and forgets.

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "lrurec/model/model.h"

namespace lrurec::inspect {

/// lambda of the D channels of one block.
using Eigenvalues = std::vector<std::complex<double>>;

/// Those of every block (model::Model::eigenvalues). A model that has none is ErrorKind::usage.
std::vector<Eigenvalues> eigenvalues(const model::Model& model);
/// Those that training with this seed began with. For the LRU |lambda|^2 is uniform in [.8^2, .99^2], and so
/// is the angle.
std::vector<Eigenvalues> initial_eigenvalues(const model::ModelConfig& config, std::uint64_t seed);

double mean_abs(const Eigenvalues& lambda);
/// Items after which half of what an item added to the state is left: ln(1/2) / ln|lambda|. 0 for lambda = 0.
double half_life(std::complex<double> lambda);
/// That of the middle channel; of an even number of channels the mean of the two in the middle.
double median_half_life(const Eigenvalues& lambda);

/// One of the things that "the mean |lambda|" of a block may mean, with its value for each block.
struct MeanDefinition {
  std::string name;
  std::vector<double> blocks;
};
/// Over the channels of each block:
///
///   the mean of |lambda|, as the paper says
///   the mean of nu = -ln|lambda|, the paper's parameter
///   the geometric mean, e^-(mean nu), and the median of |lambda|
///   the mean weighted by gain, gamma |B_k| |C_k|
///   the mean weighted by the state's energy under white input, gain^2 / (1 - |lambda|^2)
///   the mean without channels whose gain is below a tenth of the mean gain
///
/// For the LRU alone; without model::Model::recurrence() it is ErrorKind::internal.
std::vector<MeanDefinition> mean_definitions(const model::Model& model);
/// The definition nearest to `published`: the least sum over blocks of |ln(value / published)|. `published`
/// must not be empty.
const MeanDefinition& nearest(const std::vector<MeanDefinition>& definitions,
                              const std::vector<double>& published);

}  // namespace lrurec::inspect
