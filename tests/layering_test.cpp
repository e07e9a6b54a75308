// A folder uses only itself and the folders to its left: tensor -> autograd -> ops -> nn -> lrurec -> tools.
// Kernel files see only their own folder, ops/primitives/ and tensor/; ops/primitives/ sees only itself and
// tensor/.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> layers{"tensor", "autograd", "ops", "nn", "lrurec", "tools", "tests"};

std::ptrdiff_t layer_of(const std::string& path) {
  const auto it = std::find(layers.begin(), layers.end(), path.substr(0, path.find('/')));
  return it - layers.begin();
}

const std::string primitives = "ops/primitives/";

bool is_kernel(const std::string& path) {
  return path.ends_with("_cpu.cpp") || path.ends_with("_cuda.cu") || path.starts_with(primitives);
}

/// What is wrong if a file of this path (relative to the project) includes `included`; empty if nothing is.
std::string complaint(const std::string& path, const std::string& included) {
  if (layer_of(included) > layer_of(path))
    return layers[static_cast<std::size_t>(layer_of(path))] + " may not use it";
  if (is_kernel(path) && layer_of(included) != 0 && !included.starts_with(primitives)) {
    const bool own_folder = included.substr(0, included.rfind('/')) == path.substr(0, path.rfind('/'));
    if (!own_folder) return "a kernel may use its own folder, ops/primitives/ and tensor/ only";
  }
  return "";
}

std::vector<std::string> violations(const std::string& path, std::istream& text) {
  static const std::regex include(R"(^\s*#\s*include\s*"([^"]+)\")");
  std::vector<std::string> found;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    std::smatch match;
    if (!std::regex_search(line, match, include)) continue;
    if (match[1].str().starts_with("samples/")) continue;  // of the documentation, made by the build
    const std::string why = complaint(path, match[1]);
    if (!why.empty())
      found.push_back(path + ":" + std::to_string(number) + ": \"" + match[1].str() + "\": " + why);
  }
  return found;
}

TEST(Layering, FilesIncludeOnlyToTheirLeft) {
  int files = 0;
  for (const auto& layer : layers) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(LRUREC_SOURCE_DIR) / layer)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh") continue;
      const std::string path = fs::relative(entry.path(), LRUREC_SOURCE_DIR).string();
      if (path.starts_with("tests/install/")) continue;  // a project of its own
      ++files;
      std::ifstream text(entry.path());
      for (const auto& violation : violations(path, text)) ADD_FAILURE() << violation;
    }
  }
  EXPECT_GT(files, 50);
}

TEST(Layering, FoldersOfLrurecFormNoCycle) {
  static const std::regex include("#include \"lrurec/(\\w+)/");
  std::map<std::string, std::set<std::string>> uses;
  const fs::path lrurec = fs::path(LRUREC_SOURCE_DIR) / "lrurec";
  for (const auto& entry : fs::recursive_directory_iterator(lrurec)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
    const std::string folder = fs::relative(entry.path(), lrurec).begin()->string();
    std::ifstream file(entry.path());
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
      if ((*it)[1] != folder) uses[folder].insert((*it)[1]);
    }
  }
  EXPECT_GT(uses.size(), 8U);
  // Removes folders again and again that use none of those left. Only cycles stay.
  while (std::erase_if(uses, [&](const auto& one) {
           return std::ranges::none_of(one.second, [&](const auto& used) { return uses.contains(used); });
         }) > 0) {
  }
  for (const auto& [folder, used] : uses) ADD_FAILURE() << folder << " uses " << testing::PrintToString(used);
}

// Users include only ops/ops.h.
TEST(Layering, OpsHeaderHasEveryOperation) {
  const fs::path ops = fs::path(LRUREC_SOURCE_DIR) / "ops";
  const auto read = [](const fs::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string all = read(ops / "ops.h");
  int operations = 0;
  for (const auto& entry : fs::recursive_directory_iterator(ops)) {
    const std::string path = fs::relative(entry.path(), LRUREC_SOURCE_DIR).string();
    const bool operation = path.ends_with(".h") && !path.starts_with("ops/gradient_cases/") &&
                           path != "ops/ops.h" &&
                           read(entry.path()).find("(const Variable") != std::string::npos;
    if (!operation) continue;
    ++operations;
    EXPECT_NE(all.find("#include \"" + path + "\""), std::string::npos) << path;
  }
  EXPECT_GT(operations, 30);
}

TEST(Layering, TheCheckNoticesViolations) {
  std::istringstream upwards("#include <vector>\n#include \"ops/matmul/matmul.h\"\n");
  EXPECT_EQ(violations("tensor/tensor.cpp", upwards),
            std::vector<std::string>{"tensor/tensor.cpp:2: \"ops/matmul/matmul.h\": tensor may not use it"});
  std::istringstream sideways("#include \"ops/reduce/reduce.h\"\n#include \"ops/matmul/kernels.h\"\n");
  EXPECT_EQ(violations("ops/matmul/matmul_cpu.cpp", sideways).size(), 1u);
  std::istringstream out_of_primitives("#include \"ops/reduce/kernels.h\"\n#include \"tensor/dtype.h\"\n");
  EXPECT_EQ(violations("ops/primitives/column_sum_cuda.cu", out_of_primitives).size(), 1u);
  std::istringstream fine("#include \"tensor/dtype.h\"\n#include \"ops/reduce/reduce.h\"\n");
  EXPECT_TRUE(violations("ops/matmul/matmul.cpp", fine).empty());
  std::istringstream shared("#include \"ops/primitives/tile_product.h\"\n");
  EXPECT_TRUE(violations("ops/lru/lru_cpu.cpp", shared).empty());
}

}  // namespace
