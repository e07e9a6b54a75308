#include "nn/serialization/safetensors.h"

#include <cstring>

#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::TemporaryFolder;

/// A file from its header text and some bytes of data.
std::filesystem::path make(const TemporaryFolder& folder, const std::string& header, std::size_t data) {
  const std::uint64_t size = header.size();
  std::vector<char> bytes(sizeof(size));
  std::memcpy(bytes.data(), &size, sizeof(size));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + data);
  test::write_bytes(folder / "file", bytes);
  return folder / "file";
}

TEST(Safetensors, RoundTripOfEveryDtype) {
  const TemporaryFolder folder;
  Safetensors file;
  file.metadata = {{"hidden", "8"}};
  file.tensors["a"] = test::random_normal({2, 3}, DType::f32);
  file.tensors["b"] = test::random_normal({4}, DType::f64);
  file.tensors["c"] = test::random_normal({3, 2}, DType::c64).transpose(0, 1);
  file.tensors["d"] = Tensor::from(std::vector<std::int64_t>{1, -2});
  file.tensors["e"] = Tensor::from(std::vector<bool>{true, false});
  file.tensors["empty"] = Tensor::zeros({0, 3}, DType::i32);
  write_safetensors(folder / "file", file);
  const Safetensors back = read_safetensors(folder / "file");
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_EQ(back.tensors.at(name).dtype(), tensor.dtype()) << name;
    EXPECT_EQ(back.tensors.at(name).shape(), tensor.shape()) << name;
    EXPECT_EQ(test::max_difference(back.tensors.at(name), tensor), 0) << name;
  }
  expect_error(ErrorKind::internal, "c128 has no place in the format", [&] {
    write_safetensors(folder / "other", {{{"z", Tensor::zeros({1}, DType::c128)}}, {}});
  });
}

struct Abuse {
  const char* what;
  const char* header;
  std::size_t data;
  const char* message;
};

class SafetensorsAbuse : public testing::TestWithParam<Abuse> {};

TEST_P(SafetensorsAbuse, IsRefused) {
  const TemporaryFolder folder;
  const auto path = make(folder, GetParam().header, GetParam().data);
  expect_error(ErrorKind::file, GetParam().message, [&] { read_safetensors(path); });
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SafetensorsAbuse,
    testing::Values(
        Abuse{"not_json", "{nonsense", 0, "no JSON object"}, Abuse{"array", "[1]", 0, "no JSON object"},
        Abuse{
            "duplicate_key",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
            4, "the key 'a' twice"},
        Abuse{"deep", R"({"a":[[[[[[[[[[[[]]]]]]]]]]]]})", 0, "nested too deeply"},
        Abuse{"unknown_dtype", R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", 2,
              "has dtype F16"},
        Abuse{"missing_field", R"({"a":{"dtype":"F32","shape":[1]}})", 4, "needs exactly"},
        Abuse{"extra_field", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4,
              "needs exactly"},
        Abuse{"negative_size", R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
              "has the shape"},
        Abuse{"fractional_size", R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4,
              "has the shape"},
        Abuse{"overflow", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4,
              "has the shape"},
        Abuse{"too_many_dimensions", R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1],"data_offsets":[0,4]}})",
              4, "more than 6 dimensions"},
        Abuse{"short_range", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
              "has the offsets"},
        Abuse{"past_the_end", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
              "has the offsets"},
        Abuse{"backwards", R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}})", 4, "has the offsets"},
        Abuse{"hole", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "a hole or an overlap"},
        Abuse{
            "overlap",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
            4, "a hole or an overlap"},
        Abuse{"trailing", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5, "1 bytes after"},
        Abuse{"metadata_number", R"({"__metadata__":{"a":1}})", 0, "metadata 'a' is no string"}),
    [](const testing::TestParamInfo<Abuse>& test) { return std::string(test.param.what); });

TEST(Safetensors, HeaderLongerThanTheFile) {
  const TemporaryFolder folder;
  test::write_bytes(folder / "short", {1, 2, 3});
  expect_error(ErrorKind::file, "only 3 bytes", [&] { read_safetensors(folder / "short"); });
  std::vector<char> huge(16, '\xff');
  test::write_bytes(folder / "huge", huge);
  expect_error(ErrorKind::file, "does not fit", [&] { read_safetensors(folder / "huge"); });
  auto bools =
      test::read_bytes(make(folder, R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", 1));
  bools.back() = 7;
  test::write_bytes(folder / "bools", bools);
  expect_error(ErrorKind::file, "neither 0 nor 1", [&] { read_safetensors(folder / "bools"); });
}

TEST(Safetensors, AnEmptyTensorMayHaveSizesThatCannotBeMultiplied) {
  const TemporaryFolder folder;
  for (const std::string shape : {"[0,1099511627776,1099511627776]", "[1099511627776,1099511627776,0]"}) {
    const auto path =
        make(folder, R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,0]}})", 0);
    EXPECT_EQ(read_safetensors(path).tensors.at("a").numel(), 0) << shape;
  }
}

TEST(Safetensors, NamesThatCouldNotBeReadBackAreNotWritten) {
  const test::TemporaryFolder folder;
  for (const char* name : {"__metadata__", "a\xff"}) {
    Safetensors file;
    file.tensors.emplace(name, Tensor::ones({1}));
    test::expect_error(ErrorKind::internal, "rename the tensor",
                       [&] { write_safetensors(folder / "file.safetensors", file); });
    EXPECT_FALSE(std::filesystem::exists(folder / "file.safetensors"));
  }
}

}  // namespace
}  // namespace lrurec::nn
