#pragma once

#include <cstddef>
#include <span>

namespace study {

double ndcg(std::span<const double> scores, std::size_t target, std::span<const std::size_t> seen,
            std::size_t k);

}  // namespace study
