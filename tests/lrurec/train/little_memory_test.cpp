// Memory that runs out at every possible place: an error each time, never the end of the process.

#include <gtest/gtest.h>
#include <omp.h>

#include "lrurec/data/batch.h"
#include "lrurec/data/negatives.h"
#include "lrurec/eval/sampled.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/serve/recommender.h"
#include "lrurec/train/stepper.h"
#include "ops/matmul/bf16_products.h"
#include "tensor/storage.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec {
namespace {

/// Runs f with less and less room for tensors: until it first needs what there is no room for, then at every
/// smaller room in small steps. Returns how often memory ran out.
template <class F>
int run_out_of_memory(F&& f) {
  f();
  const std::size_t before = memory_stats().in_use;
  reset_memory_peak();
  f();
  const std::size_t needed = memory_stats().peak - before;
  int failures = 0;
  constexpr std::size_t places = 120;
  for (std::size_t i = 0; i < places; ++i) {
    limit_memory(before + needed * i / places);
    try {
      f();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::out_of_memory) << e.what();
      ++failures;
    }
    limit_memory(SIZE_MAX);
    EXPECT_EQ(memory_stats().in_use, before) << "something was kept";
  }
  EXPECT_NO_THROW(f());
  return failures;
}

class LittleMemory : public testing::Test {
 protected:
  LittleMemory() { omp_set_num_threads(2); }  // many kernels allocate for each thread
  ~LittleMemory() override { omp_set_num_threads(before_); }

  static model::ModelConfig config(const data::Dataset& data) {
    // Widths that no vector divides, for what is padded within the kernels.
    return {.num_items = data.items(), .hidden = 9, .channels = 14, .dropout = 0.3, .outer_gelu = true};
  }

 private:
  int before_ = omp_get_max_threads();
};

TEST_F(LittleMemory, ATrainingStep) {
  const data::Dataset data =
      data::make_demo({.users = 200, .items = 700, .mean_length = 20, .classes = 4, .seed = 1});
  model::LRURec model(config(data), 1);
  data::Batcher batcher(data, {.max_length = 20}, 128, 1);
  const data::BatchTensors batch = data::to_tensors(batcher.batch(0, 0), Device{});
  const nn::ForwardContext context{true, 1, 0};
  const auto step = [&](const auto& loss) {
    model.zero_grad();
    try {
      loss().backward();
      model.zero_grad();
    } catch (...) {
      model.zero_grad();
      throw;
    }
  };
  for (const bool bf16 : {false, true}) {
    const ops::Bf16Products products(bf16);
    EXPECT_GT(run_out_of_memory([&] {
                step([&] { return model.loss({batch.items, batch.offsets, batch.labels}, context); });
              }),
              60);
  }
  for (const bool shared : {true, false}) {
    const Shape shape = shared ? Shape{50} : Shape{batch.items.numel(), 20};
    const IndexTensor negatives = data::draw_negatives(1, 0, shape, data.items());
    EXPECT_GT(
        run_out_of_memory([&] {
          step([&] {
            return model.sampled_loss({batch.items, batch.offsets, batch.labels}, negatives, true, context);
          });
        }),
        60);
  }
}

TEST_F(LittleMemory, AnEvaluationAndRecommendations) {
  const data::Dataset data =
      data::make_demo({.users = 200, .items = 3000, .mean_length = 20, .classes = 4, .seed = 1});
  const model::LRURec model(config(data), 1);
  EXPECT_GT(run_out_of_memory([&] {
              eval::evaluate(data, model, {data::Split::test, 20, 0, /*with_loss=*/true});
            }),
            60);
  const serve::Recommender recommender(model, 20);
  const std::vector<serve::Request> requests(100, {{1, 2, 3}, {}, 10});
  EXPECT_GT(run_out_of_memory([&] { recommender.recommend(requests); }), 60);
}

}  // namespace
}  // namespace lrurec
