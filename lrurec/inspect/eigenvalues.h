#pragma once
// What the eigenvalues of a model's recurrence say: how fast each channel turns and forgets.

#include <complex>
#include <cstdint>
#include <vector>

#include "lrurec/model/model.h"

namespace lrurec::inspect {

/// lambda of the D channels of one block.
using Eigenvalues = std::vector<std::complex<double>>;

/// Those of each block.
/// Of every block. A model without a linear recurrence is ErrorKind::usage.
std::vector<Eigenvalues> eigenvalues(const model::Model& model);
/// Those that training with this seed began with: |lambda|^2 uniform in [.8^2, .99^2], angles uniform.
std::vector<Eigenvalues> initial_eigenvalues(const model::ModelConfig& config, std::uint64_t seed);

double mean_abs(const Eigenvalues& lambda);
/// Items after which half of what an item added to the state is left: ln(1/2) / ln|lambda|. 0 for lambda = 0.
double half_life(std::complex<double> lambda);
/// The middle one of the channels.
double median_half_life(const Eigenvalues& lambda);

/// Mean |lambda| of both blocks after training in the paper (table 5) for its data set of so many items
/// (table 2); empty for any other.
std::vector<double> published_mean_abs(std::int64_t num_items);

}  // namespace lrurec::inspect
