// Devices by name, and tensors on a GPU.

#include "tensor/device.h"

#include <gtest/gtest.h>

#include "nn/optim/sgd.h"
#include "ops/ops.h"
#include "tensor/cuda/runtime.h"
#include "tensor/tensor.h"
#include "tests/support/devices.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec {
namespace {

using test::gpu;
using Ints = std::vector<std::int64_t>;

TEST(Device, IsNamedCpuOrCuda) {
  EXPECT_EQ(Device::parse("cpu"), Device{});
  EXPECT_EQ(Device::parse("cuda"), gpu);
  EXPECT_EQ(Device::parse("cuda:3").index, 3);
  EXPECT_EQ(Device::parse("cuda:3").str(), "cuda:3");
  for (const char* text : {"gpu", "cuda:", "cuda:-1", "cuda:1x", "CPU", ""}) {
    test::expect_error(ErrorKind::usage, "use cpu, cuda or cuda:1", [&] { Device::parse(text); });
  }
}

TEST(Device, WithoutAGpuIsAClearUsageError) {
  if (test::no_gpu().empty()) GTEST_SKIP() << "there is a GPU";
  test::expect_error(ErrorKind::usage, "--device cpu", [] { require_device(gpu); });
  test::expect_error(ErrorKind::usage, "--device cpu", [] { Tensor::zeros({1}, DType::f32, gpu); });
}

TEST(Device, ATestThatRequiresAGpuFailsWithoutOne) {
  if (test::no_gpu().empty()) GTEST_SKIP() << "there is a GPU";
  const test::TemporaryFolder folder;
  const auto run = [&](const std::string& variable) {
    const std::string tests = std::filesystem::read_symlink("/proc/self/exe").string();
    return test::run_shell(folder, "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX " + variable + " " +
                                       tests + " --gtest_filter=TensorCuda.GoesThereAndBack")
        .code;
  };
  EXPECT_EQ(run(""), 0);
  EXPECT_EQ(run("LRUREC_REQUIRE_GPU=1"), 1);
}

TEST(TensorCuda, GoesThereAndBack) {
  LRUREC_NEEDS_GPU();
  for (const auto dtype :
       {DType::boolean, DType::i32, DType::i64, DType::f32, DType::f64, DType::c64, DType::c128}) {
    const Tensor x = Tensor::from(Ints{1, 0, 1, 1, 0, 1}, {2, 3}).to(dtype);
    const Tensor there = x.to(gpu);
    EXPECT_EQ(there.device(), gpu);
    EXPECT_EQ(there.str(), x.str());
    EXPECT_EQ(there.transpose(0, 1).host().str(), x.transpose(0, 1).str());
    EXPECT_EQ(x.transpose(0, 1).to(gpu).str(), x.transpose(0, 1).str());
    EXPECT_EQ(there.slice(1, 1, 3).clone().str(), x.slice(1, 1, 3).str());
  }
  EXPECT_EQ(Tensor::scalar(2.5).to(gpu).item<double>(), 2.5);
  EXPECT_EQ(Tensor::zeros({0, 3}, DType::f32, gpu).to_vector<float>().size(), 0u);
}

TEST(TensorCuda, FillsCopiesConvertsAndAdds) {
  LRUREC_NEEDS_GPU();
  // More elements than one grid of threads has, on strides of a wider block.
  Tensor wide = Tensor::zeros({1000, 900}, DType::f32, gpu);
  Tensor x = wide.slice(1, 0, 900, 2);
  x.fill_(2).add_(Tensor::full({1000, 450}, 0.5, DType::f32, gpu));
  x.select(0, 999).copy_(Tensor::scalar(std::int32_t{7}));
  const auto values = wide.to_vector<float>();
  EXPECT_EQ(values[0], 2.5f);
  EXPECT_EQ(values[1], 0.0f);
  EXPECT_EQ(values[998 * 900 + 898], 2.5f);
  EXPECT_EQ(values[999 * 900 + 898], 7.0f);
  EXPECT_EQ(x.to(DType::c128).select(0, 5).select(0, 5).item<c128>(), c128(2.5, 0));
  EXPECT_EQ(x.to(DType::i32).select(0, 5).select(0, 5).item<std::int32_t>(), 2);
  x.select(0, 999).select(0, 449).fill_(NAN);
  test::expect_error(ErrorKind::internal, "f32 to i64: a number is out of its range, or NaN",
                     [&] { x.to(DType::i64); });
}

TEST(TensorCuda, RemembersTheIntegersItWasSent) {
  LRUREC_NEEDS_GPU();
  Tensor ids = Tensor::from(Ints{4, 5, 6});
  Tensor sent = ids.to(gpu);
  ids.fill_(0);  // what was sent does not change
  EXPECT_EQ(sent.host().to_vector<std::int64_t>(), (Ints{4, 5, 6}));
  EXPECT_EQ(sent.slice(0, 1, 3).host().to_vector<std::int64_t>(), (Ints{5, 6}));
  sent.slice(0, 0, 1).fill_(9);  // and what changes there is not remembered
  EXPECT_EQ(sent.host().to_vector<std::int64_t>(), (Ints{9, 5, 6}));
}

#ifdef LRUREC_CUDA_ENABLED
TEST(StorageCuda, OnAGpuThatIsNotThereIsAUsageError) {
  LRUREC_NEEDS_GPU();
  const Device none{DeviceType::cuda, cuda::device_count()};
  test::expect_error(ErrorKind::usage, none.str(), [&] { Tensor::zeros({1}, DType::f32, none); });
  EXPECT_EQ(Tensor::zeros({1}, DType::f32, gpu).item<float>(), 0);
}

#ifndef LRUREC_CUDA_EMULATED
TEST(RuntimeCuda, AnErrorThatWasCaughtIsNotTheNextKernels) {
  LRUREC_NEEDS_GPU();
  const Tensor x = Tensor::full({1}, 3, DType::f32, gpu);
  test::expect_error(ErrorKind::internal, "[fill with zeros]", [] { cuda::fill_zero(nullptr, 16); });
  EXPECT_EQ(ops::raw::mul(x, x).item<float>(), 9);
}
#endif

TEST(StorageCuda, AReleasedCacheIsTheDriversAgain) {
  LRUREC_NEEDS_GPU();
  const std::size_t bytes = std::size_t{64} << 20;
  release_memory_cache(DeviceType::cuda);
  const std::size_t before = cuda::device_info(0).free_memory;
  { const Tensor t = Tensor::empty({static_cast<std::int64_t>(bytes)}, DType::boolean, gpu); }
  release_memory_cache(DeviceType::cuda);
  EXPECT_EQ(memory_stats(DeviceType::cuda).cached, 0u);
  EXPECT_GT(cuda::device_info(0).free_memory + bytes / 2, before);
}
#endif

TEST(TensorCuda, DevicesAreNotMixedSilently) {
  LRUREC_NEEDS_GPU();
  Tensor there = Tensor::zeros({2}, DType::f32, gpu);
  test::expect_error(ErrorKind::internal, "they must agree",
                     [&] { there.add_(Tensor::zeros({2}, DType::f32)); });
  const Tensor here = Tensor::zeros({2}, DType::f32), square = Tensor::zeros({2, 2}, DType::f32);
  const auto refused = [](const char* text, auto f) { test::expect_error(ErrorKind::internal, text, f); };
  refused("[mul] one operand is on", [&] { ops::raw::mul(there, here); });
  refused("[mul] one operand is on", [&] { ops::raw::mul(here, there); });
  refused("one operand is on", [&] { ops::raw::matmul(square.to(gpu), square); });
  refused("one operand is on", [&] { ops::raw::layer_norm(square.to(gpu), here, here, 1e-5); });
  refused("one operand is on", [&] {
    const Variable x(square.to(gpu), true), w(square, true), b(here, true);
    ops::linear_cross_entropy(x, w, b, Tensor::from(Ints{0, 1}));
  });
}

// A number that is sent there is remembered here, but not what an optimiser makes of it.
TEST(TensorCuda, ANumberIsReadWhereItIs) {
  LRUREC_NEEDS_GPU();
  Variable p(Tensor::full({1}, 3, DType::f32, gpu), true);
  p.set_grad(Tensor::full({1}, 1, DType::f32, gpu));
  nn::SGD sgd({{{{"p", p}}}}, {.lr = 0.5});
  sgd.step();
  EXPECT_EQ(p.value().item<float>(), 2.5F);
  EXPECT_EQ(p.value().host().item<float>(), 2.5F);
}

}  // namespace
}  // namespace lrurec
