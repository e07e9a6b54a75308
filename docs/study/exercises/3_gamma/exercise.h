#pragma once

#include <span>
#include <vector>

namespace study {

std::vector<double> gamma_log(std::span<const double> nu_log);

}  // namespace study
