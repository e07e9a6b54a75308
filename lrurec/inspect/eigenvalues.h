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

/// Those of every block. A model without a linear recurrence is ErrorKind::usage.
std::vector<Eigenvalues> eigenvalues(const model::Model& model);
/// Those that training with this seed began with: |lambda|^2 uniform in [.8^2, .99^2], angles uniform.
std::vector<Eigenvalues> initial_eigenvalues(const model::ModelConfig& config, std::uint64_t seed);

double mean_abs(const Eigenvalues& lambda);
/// Items after which half of what an item added to the state is left: ln(1/2) / ln|lambda|. 0 for lambda = 0.
double half_life(std::complex<double> lambda);
/// That of the middle channel; of an even number of channels the mean of the two in the middle.
double median_half_life(const Eigenvalues& lambda);

/// What "the mean |lambda|" of each block may mean.
struct MeanDefinition {
  std::string name;
  std::vector<double> blocks;
};
/// The mean over channels, as the paper says; of -ln|lambda| = nu, the paper's parameter; the geometric mean,
/// e^-(mean nu), the median; weighted by gain, gamma |B_k| |C_k|, and by the energy of the state that white
/// input would leave, gain^2 / (1 - |lambda|^2); without channels whose gain is below a tenth of the mean.
std::vector<MeanDefinition> mean_definitions(const model::Model& model);
/// The one whose numbers are nearest to `published` in the mean ratio; `published` is not empty.
const MeanDefinition& nearest(const std::vector<MeanDefinition>& definitions,
                              const std::vector<double>& published);

}  // namespace lrurec::inspect
