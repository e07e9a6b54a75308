#include <algorithm>
#include <cmath>

#include "exercise.h"

namespace study {

double ndcg(std::span<const double> scores, std::size_t target, std::span<const std::size_t> seen,
            std::size_t k) {
  std::size_t rank = 1;
  for (std::size_t item = 0; item < scores.size(); ++item) {
    if (item == target) continue;
    if (std::find(seen.begin(), seen.end(), item) != seen.end()) continue;
    if (scores[item] >= scores[target]) ++rank;
  }
  return rank <= k ? 1 / std::log2(static_cast<double>(rank) + 1) : 0;
}

}  // namespace study
