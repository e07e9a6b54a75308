// The samples of docs/library.md (tools/samples.cmake), compiled as they stand and run.

#include <gtest/gtest.h>

#include <iostream>

#include "lrurec/lrurec.h"
#include "tests/support/data.h"
#include "tests/support/devices.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace library_page {

using namespace lrurec;
using lrurec::test::max_difference;

#include "samples/library_module.inc"
#include "samples/library_operation.inc"

struct Batch {
  Tensor x;
  IndexTensor offsets;
  Tensor sums;
};

/// Numbers in 0..1, two of them marked, and their sum.
Batch adding_problem(int seed, std::int64_t sequences, std::int64_t length) {
  const Tensor values = Tensor::rand({sequences, length}, static_cast<std::uint64_t>(seed));
  const Tensor marks = Tensor::zeros({sequences, length}, DType::f32),
               sums = Tensor::zeros({sequences, 1}, DType::f32);
  const Philox random(static_cast<std::uint64_t>(seed), 7);
  std::vector<std::int64_t> offsets{0};
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto half = length / 2;
    for (std::int64_t k = 0; k < 2; ++k) {
      const auto draw = random.below(static_cast<std::uint64_t>(2 * s + k), static_cast<std::uint64_t>(half));
      const std::int64_t t = k * half + static_cast<std::int64_t>(draw);
      marks.data<float>()[s * length + t] = 1;
      sums.data<float>()[s] += values.data<float>()[s * length + t];
    }
    offsets.push_back(offsets.back() + length);
  }
  const Tensor x = ops::raw::concat({values.reshape({-1, 1}), marks.reshape({-1, 1})}, 1);
  return {x, Tensor::from(offsets), sums};
}

TEST(LibraryPage, Tensors) {
  testing::internal::CaptureStdout();
#include "samples/library_tensors.inc"
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 2, 3, 0, 0, 0}));
  EXPECT_EQ(product.shape(), (Shape{2, 2}));
  const auto column = b.transpose(0, 1).select(0, 0).to_vector<float>();
  EXPECT_NEAR(first, column[0] + 2 * column[1] + 3 * column[2], 1e-5);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("3"), std::string::npos);
}

TEST(LibraryPage, Gradients) {
  testing::internal::CaptureStdout();
#include "samples/library_gradients.inc"
  EXPECT_EQ(gradient.to_vector<double>(), (std::vector<double>{6, 12}));
  EXPECT_NE(testing::internal::GetCapturedStdout().find("2.718"), std::string::npos);
}

TEST(LibraryPage, TheLoopAndTheScanAgree) {
#include "samples/library_scan.inc"
  EXPECT_LT(max_difference(states.value(), looped.value()), 1e-6);
  ops::sum(ops::square(states)).backward();
  const Tensor by_scan = lambda.grad();
  Variable(lambda).zero_grad();
  ops::sum(ops::square(looped)).backward();
  EXPECT_LT(max_difference(by_scan, lambda.grad()), 1e-5);
}

TEST(LibraryPage, AnOperationAndWhatIsWrongWithIt) {
  testing::internal::CaptureStdout();
#include "samples/library_gradcheck.inc"
  EXPECT_TRUE(report) << report.str("cube");
  const Variable single(Tensor::from(std::vector<float>{1, 2}), true);
  ops::sum(cube(single)).backward();
  EXPECT_EQ(single.grad().to_vector<float>(), (std::vector<float>{3, 12}));
  EXPECT_EQ(report.checked, 6);
  const Variable z(Tensor::randn({2, 3}, /*seed=*/1, DType::c128), true);
  EXPECT_TRUE(gradcheck("cube", cubes, {z})) << "dy must be multiplied by the conjugate";
#include "samples/library_debugging.inc"
  EXPECT_NE(complaint.find("sqrt"), std::string::npos) << complaint;
  EXPECT_NE(testing::internal::GetCapturedStdout().find("cube"), std::string::npos);
}

TEST(LibraryPage, TheModuleLearnsAndIsSaved) {
#include "samples/library_training.inc"
  EXPECT_LT(loss_of_step, 0.5 / 6);  // always answering 1 gives 1/6
  const lrurec::test::TemporaryFolder folder;
#include "samples/library_saving.inc"
  EXPECT_EQ(resumed.steps(), 400);
  const Batch batch = adding_problem(1000, 8, 30);
  EXPECT_EQ(max_difference(adder.forward(Variable(batch.x), batch.offsets).value(),
                           again.forward(Variable(batch.x), batch.offsets).value()),
            0);
}

TEST(LibraryPage, TheModelsFromALogToRecommendations) {
  const lrurec::test::TemporaryFolder folder;
  const data::Dataset demo = lrurec::test::small_demo();
  data::write_raw(demo, data::Format::inter, folder / "ratings.inter");
  testing::internal::CaptureStdout();
#include "samples/library_models.inc"
  EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with("0."));
  EXPECT_EQ(log.users(), demo.users());
  ASSERT_EQ(next.size(), 5U);
  for (std::size_t i = 0; i < next.size(); ++i) {
    EXPECT_EQ(next[i].item, best[i].item);
    EXPECT_EQ(next[i].score, best[i].score);
  }
  const auto weights = exchange::read_weights(folder / "weights.safetensors");
  const auto again = model::make_model(weights.config, 1);
  weights.load_into(*again);
  EXPECT_EQ(inspect::eigenvalues(*again), lambda);
  lrurec::test::expect_error(ErrorKind::io, "holds no run",
                             [&] { train::load_run({.run = (folder / "run").string()}); });
}

TEST(LibraryPageCuda, TheModuleRunsOnAGpu) {
  LRUREC_NEEDS_GPU();
  nn::Initializer init(1);
  Adder adder(16, init), on_cpu(16, init);
  on_cpu.copy_values(adder);
#include "samples/library_gpu.inc"
  EXPECT_LT(max_difference(answer.value().host(), on_cpu.forward(Variable(batch.x), batch.offsets).value()),
            1e-5);
}

}  // namespace library_page
