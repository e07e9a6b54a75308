// LRURec on generated data: trained in seconds, evaluated, and looked into.
#include <fmt/format.h>

#include "lrurec/data/demo.h"
#include "lrurec/eval/baselines.h"
#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/inspect/memory.h"
#include "lrurec/train/stepper.h"

using namespace lrurec;

const char* yes(bool is) { return is ? "yes" : "no"; }

int main() {
  const data::Dataset data = data::make_demo({.users = 1000, .items = 120, .mean_length = 16, .classes = 4});
  config::TrainConfig config = config::preset("demo");
  config.hidden = 32, config.channels = 32, config.batch_size = 64;
  train::Stepper stepper(config, data);
  const auto& model = stepper.model();
  const auto before = inspect::eigenvalues(model);
  for (std::int64_t step = 0; step < 300; ++step) stepper.run(step);

  const eval::EvaluateOptions test{.split = data::Split::test, .max_length = config.max_length};
  const auto recall = [](const eval::Evaluation& e) { return e.metrics.at("Recall@10"); };
  const double popularity = recall(eval::evaluate(data, eval::popularity_scorer(data), test)),
               markov = recall(eval::evaluate(data, eval::markov_scorer(data, test.split), test)),
               best = data.protocol().facts.at("best_possible_recall10_test"),
               ours = recall(eval::evaluate(data, model, test));
  fmt::print("test Recall@10: popularity {:.3f}, last-item Markov {:.3f}, best possible {:.3f}\n", popularity,
             markov, best);
  fmt::print("LRURec within .06 of the best: {}\n", yes(ours > best - 0.06));

  const auto after = inspect::eigenvalues(model);
  for (std::size_t b = 0; b < after.size(); ++b) {
    const double start = inspect::mean_abs(before[b]), moved = std::abs(inspect::mean_abs(after[b]) - start);
    fmt::print("block {}: mean |lambda| {:.3f} before, moved by less than .02: {}\n", b + 1, start,
               yes(moved < 0.02));
  }

  double last_two = 0, earlier = 0;  // |change of the target's score without the item|, 100 users
  for (std::int64_t user = 0; user < 100; ++user) {
    const auto seen = inspect::memory(model, data.history(user, test.split), data.target(user, test.split),
                                      config.max_length);
    for (std::size_t k = 0; k < seen.items.size(); ++k)
      (k + 2 >= seen.items.size() ? last_two : earlier) += std::abs(*seen.items[k].score_change);
  }
  fmt::print("the last two of a history matter more than all before them: {}\n", yes(last_two > earlier));
}
