// Exercise 7: NDCG@k of one user with one target, by the protocol of docs/protocol.md.
//
//   rank    = 1 + the number of other candidates whose score is at or above the target's
//   NDCG@k  = 1 / log2(rank + 1) if rank <= k, else 0
//
// scores has one number an item. Candidates are all items but those in `seen`, the user's history, which may
// have an item twice and never has the target. Equal scores count against the target: a model that gives
// every item the same score must not look good.
//
// Check it: tools/study.sh check 7

#include "exercise.h"

#include <algorithm>
#include <cmath>

namespace study {

double ndcg(std::span<const double> scores, std::size_t target, std::span<const std::size_t> seen,
            std::size_t k) {
  // YOUR CODE: the rank of the target, then its NDCG@k
  return -1;
}

}  // namespace study
