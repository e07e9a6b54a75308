// tools/pytorch_to_safetensors.py, from PyTorch's files to a run. Skipped where no Python has PyTorch: set
// LRUREC_TORCH_PYTHON to one that has.

#include <cstdlib>
#include <cstring>

#include "nn/serialization/safetensors.h"
#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::run_shell;
using test::source_folder;
using test::TemporaryFolder;

std::string python() {
  const char* chosen = std::getenv("LRUREC_TORCH_PYTHON");
  return chosen != nullptr ? chosen : "python3";
}

std::string tool() { return python() + " " + (source_folder() / "tools/pytorch_to_safetensors.py").string(); }

void expect_same_bits(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto left = nn::read_safetensors(a).tensors, right = nn::read_safetensors(b).tensors;
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [name, tensor] : left) {
    const Tensor& other = right.at(name);
    ASSERT_EQ(tensor.dtype(), other.dtype()) << name;
    ASSERT_EQ(tensor.shape(), other.shape()) << name;
    EXPECT_EQ(std::memcmp(tensor.raw(), other.raw(),
                          static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype())),
              0)
        << name;
  }
}

TEST(PytorchToSafetensors, EveryKindOfCheckpointBecomesARun) {
  const TemporaryFolder folder;
  if (run_shell(folder, python() + " -c 'import torch'").code != 0) GTEST_SKIP() << "no PyTorch";
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q --hidden 8 --channels 16 --max-steps 3").code, 0);
  ASSERT_EQ(run_lrurec(folder, "export run --names published -o w.safetensors").code, 0);
  const auto made =
      run_shell(folder, python() + " " + (source_folder() / "tests/tools/make_checkpoint.py").string() +
                            " w.safetensors .");
  ASSERT_EQ(made.code, 0) << made.err;

  for (const std::string name : {"plain", "published", "parallel", "views"}) {
    for (const std::string split : {"", " --split"}) {
      if (!split.empty() && name != "views") continue;  // importing PyTorch takes two seconds each time
      const auto result =
          run_shell(folder, tool() + " " + name + ".pth -o t.safetensors --max-length 200" + split);
      ASSERT_EQ(result.code, 0) << result.err;
      EXPECT_NE(result.out.find("hidden 8, blocks 2, num_items 40"), std::string::npos) << result.out;
      const std::string run = name + (split.empty() ? "-whole" : "-split");
      const auto imported = run_lrurec(folder, "import t.safetensors --data d.lrd -o " + run);
      ASSERT_EQ(imported.code, 0) << imported.err;
      ASSERT_EQ(run_lrurec(folder, "export " + run + " -o back.safetensors --names published --force").code,
                0);
      expect_same_bits(folder / "back.safetensors", folder / "w.safetensors");
    }
  }
  const auto refused = [&](const std::string& file, int code, const std::string& message) {
    const auto result = run_shell(folder, tool() + " " + file + " -o no.safetensors");
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("Traceback"), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "no.safetensors"));
  };
  refused("other.pth", 4, "no 'embedding.token.weight'");
  refused("module.pth", 4, "save model.state_dict() instead");
  refused("d.lrd", 4, "d.lrd");
  refused("none.pth", 5, "none.pth");
}

TEST(PytorchToSafetensors, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  if (run_shell(folder, "python3 -c ''").code != 0) GTEST_SKIP() << "no Python";
  test::write_text(folder / "torch.py", "raise ImportError('not here')\n");
  const auto result = run_shell(folder, "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=. python3 " +
                                            (source_folder() / "tools/pytorch_to_safetensors.py").string() +
                                            " x.pth -o y.safetensors");
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("this needs PyTorch"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace lrurec
