#pragma once
// Ranking metrics; what they mean is in docs/protocol.md.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lrurec::eval {

/// The cut-offs every evaluation reports.
inline const std::vector<std::int64_t> cutoffs{1, 5, 10, 20, 50};

/// What one target of this rank (from 1) adds to a metric such as "NDCG@10". An unknown name is
/// ErrorKind::internal.
double metric_of_rank(const std::string& name, std::int64_t rank);
/// "Recall@1", ...: Recall, NDCG, MRR by cut-off.
const std::vector<std::string>& metric_names();

/// Averages over users of a target's rank (from 1):
///
///   Recall@k = [rank <= k],  NDCG@k = [rank <= k] / log2(rank + 1),  MRR@k = [rank <= k] / rank.
class Metrics {
 public:
  /// A target that cannot be recommended at all (it is excluded itself) is a miss at every k.
  static constexpr std::int64_t never = INT64_MAX;
  void add(std::int64_t rank);

  std::int64_t users() const { return users_; }
  /// The mean of "Recall@10" and the like. An unknown name is ErrorKind::internal.
  double at(const std::string& name) const;
  /// All metrics, in the order Recall, NDCG, MRR by cut-off.
  std::vector<std::pair<std::string, double>> all() const;

 private:
  std::int64_t users_ = 0;
  std::map<std::string, double> sums_;
};

}  // namespace lrurec::eval
