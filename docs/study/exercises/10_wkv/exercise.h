#pragma once

#include <span>
#include <vector>

namespace study {

std::vector<double> wkv(double w, double u, std::span<const double> k, std::span<const double> v);

}  // namespace study
