// The samples of README.md and of the layers' READMEs (tools/samples.cmake), compiled as they stand and run.

#include <cstdio>

#include "autograd/gradcheck.h"
#include "nn/layers.h"
#include "nn/optim/adam.h"
#include "ops/elementwise/elementwise.h"
#include "ops/gradient_cases/cases.h"
#include "ops/reduce/reduce.h"
#include "tensor/dispatch.h"
#include "tests/support/devices.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

// With nvcc the CUDA sample would have to be in a file of its own; the emulator takes it here.
#if !defined(LRUREC_CUDA_ENABLED) || defined(LRUREC_CUDA_EMULATED)

#ifdef LRUREC_CUDA_EMULATED
#include "tensor/cuda/kernel.h"
#endif

namespace lrurec::ops {

namespace kernels {
#include "samples/my_op_kernels.inc"
}  // namespace kernels

namespace kernels {
#include "samples/my_op_cpu.inc"
}  // namespace kernels

#ifdef LRUREC_CUDA_EMULATED
namespace kernels {
#undef MY_OP
#include "samples/my_op_cuda.inc"
}  // namespace kernels
#endif

#include "samples/my_op.inc"

namespace {

void add_my_op_cases(Cases& cases){
#include "samples/my_op_cases.inc"
}

TEST(Samples, TheOperationOfTheRecipePassesItsGradientChecks) {
  Cases cases;
  add_my_op_cases(cases);
  ASSERT_EQ(cases.size(), 2U);
  for (const auto& one : cases) {
    const auto report = check_gradients(one);
    EXPECT_TRUE(report) << report.str(one.name());
  }
  EXPECT_GT(check_gradients(cases[0]).checked, 0);
}

TEST(SamplesCuda, TheKernelOfTheRecipePassesItsGradientChecks) {
  LRUREC_NEEDS_GPU();
  Cases cases;
  add_my_op_cases(cases);
  test::in_every_thread_order([&] {
    for (const auto& one : cases) {
      const auto report = check_gradients(moved_to(one, test::gpu));
      EXPECT_TRUE(report) << report.str(one.name());
    }
  });
}

TEST(Samples, GradcheckInAProgramAndInATest) {
  const Variable a(test::random_normal({4}, DType::f64, 1), true),
      b(test::random_normal({4}, DType::f64, 2), true);
  {
#include "samples/gradcheck.inc"
    EXPECT_EQ(report.checked, 8);
  }
  {
#include "samples/gradcheck_in_a_test.inc"
  }
}

TEST(Samples, TheLineOfTheRecipeIsThatOfTheOperation) {
  constexpr const char* line =
#define UNARY(...) #__VA_ARGS__
#include "samples/softplus.inc"
#undef UNARY
      ;
  EXPECT_EQ(std::string(line).rfind("softplus, real", 0), 0U);
  const std::string lines =
      test::read_text(std::filesystem::path(LRUREC_SOURCE_DIR) / "ops/elementwise/unary.inc");
  EXPECT_NE(lines.find("UNARY(" + std::string(line) + ")"), std::string::npos) << line;
  EXPECT_NEAR(softplus(Variable(Tensor::scalar(0.0))).value().item<double>(), std::log(2.0), 1e-15);
}

}  // namespace
}  // namespace lrurec::ops

#endif

namespace lrurec {
namespace {

TEST(Samples, ViewsOfATensorShareItsMemory) {
#include "samples/tensor_views.inc"
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{0, 2, 3, 0, 5, 6}));
  EXPECT_EQ(column.strides(), Shape{3});
  EXPECT_TRUE(column.shares_memory());
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_FALSE(y.shares_memory());
  EXPECT_EQ(last, 6);
}

TEST(Samples, BackwardAddsToTheGradientsOfLeaves) {
#include "samples/autograd_backward.inc"
  EXPECT_EQ(w.grad().to_vector<double>(), (std::vector<double>{3, 5, 7}));
  EXPECT_FALSE(detached.requires_grad());
}

TEST(Samples, ALayerOfOnesOwnTakesAStep) {
  const Variable x(test::random_normal({8, 4}, DType::f32));
#include "samples/nn_module.inc"
  EXPECT_EQ(layer.named_parameters()[0].name, "linear.weight");
  EXPECT_FALSE(layer.linear.weight.grad().defined());
  nn::Initializer same(1);
  EXPECT_LT(ops::mean(layer.forward(x)).value().item<float>(),
            ops::mean(GeluLinear(4, 2, same).forward(x)).value().item<float>());
}

}  // namespace
}  // namespace lrurec
