#include "nn/serialization/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"

namespace lrurec::nn {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t most_header = 100'000'000;
constexpr int most_depth = 8;

struct Format {
  const char* name;
  DType dtype;
};
constexpr Format formats[] = {{"F32", DType::f32}, {"F64", DType::f64}, {"C64", DType::c64},
                              {"I32", DType::i32}, {"I64", DType::i64}, {"BOOL", DType::boolean}};

template <class... Args>
[[noreturn]] void malformed(const std::string& path, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorKind::file, "{} is no valid safetensors file: {}", path,
       fmt::format(format, std::forward<Args>(args)...));
}

DType dtype_of_name(const std::string& path, const std::string& tensor, const std::string& name) {
  for (const auto& format : formats) {
    if (name == format.name) return format.dtype;
  }
  malformed(path, "tensor '{}' has dtype {}; F32, F64, C64, I32, I64 and BOOL can be read", tensor, name);
}

/// JSON with duplicate keys and deep nesting refused: both are ways to make two readers disagree.
Json parse_header(const std::string& path, Bytes bytes) {
  std::vector<std::set<std::string>> keys;
  std::string complaint;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > most_depth) complaint = "its header is nested too deeply";
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      complaint = "its header has the key '" + value.get<std::string>() + "' twice";
    }
    return complaint.empty();
  };
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  Json header = Json::parse(text, text + bytes.size(), watch, /*allow_exceptions=*/false);
  if (!complaint.empty()) malformed(path, "{}", complaint);
  if (!header.is_object()) malformed(path, "its header is no JSON object");
  return header;
}

struct Entry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

std::optional<std::uint64_t> unsigned_of(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

Entry parse_entry(const std::string& path, const std::string& name, const Json& value,
                  std::uint64_t data_size) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets") || !value["dtype"].is_string() || !value["shape"].is_array() ||
      !value["data_offsets"].is_array() || value["data_offsets"].size() != 2) {
    malformed(path, "tensor '{}' needs exactly dtype, shape and data_offsets", name);
  }
  Entry entry;
  entry.name = name;
  entry.dtype = dtype_of_name(path, name, value["dtype"].get<std::string>());
  if (value["shape"].size() > static_cast<std::size_t>(Shape::max_rank)) {
    malformed(path, "tensor '{}' has more than {} dimensions", name, Shape::max_rank);
  }
  std::uint64_t bytes = size_of(entry.dtype);
  bool possible = true, overflow = false;
  for (const auto& size : value["shape"]) {
    const auto n = unsigned_of(size);
    possible = possible && n && *n <= INT64_MAX;
    if (!possible) break;
    overflow |= __builtin_mul_overflow(bytes, *n, &bytes);
    entry.shape.push_back(static_cast<std::int64_t>(*n));
  }
  const bool empty = std::find(entry.shape.begin(), entry.shape.end(), 0) != entry.shape.end();
  if (!possible || (overflow && !empty)) {
    malformed(path, "tensor '{}' has the shape {}", name, value["shape"].dump());
  }
  const auto begin = unsigned_of(value["data_offsets"][0]), end = unsigned_of(value["data_offsets"][1]);
  if (!begin || !end || *begin > *end || *end > data_size || *end - *begin != bytes) {
    malformed(path, "tensor '{}' of {} bytes has the offsets {} in {} bytes of data", name, bytes,
              value["data_offsets"].dump(), data_size);
  }
  entry.begin = *begin;
  entry.end = *end;
  return entry;
}

void check_no_holes(const std::string& path, std::vector<Entry>& entries, std::uint64_t data_size) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const auto& entry : entries) {
    if (entry.begin != at) malformed(path, "there is a hole or an overlap before tensor '{}'", entry.name);
    at = entry.end;
  }
  if (at != data_size) malformed(path, "{} bytes after the last tensor", data_size - at);
}

std::map<std::string, std::string> parse_metadata(const std::string& path, const Json& value) {
  if (!value.is_object()) malformed(path, "its __metadata__ is no object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) malformed(path, "metadata '{}' is no string", key);
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& file_path) {
  const std::string path = file_path.string();
  const std::vector<std::byte> bytes = read_file(file_path);
  std::uint64_t header_size = 0;
  if (bytes.size() < sizeof(header_size)) malformed(path, "it has only {} bytes", bytes.size());
  std::memcpy(&header_size, bytes.data(), sizeof(header_size));
  if (header_size > most_header || header_size > bytes.size() - sizeof(header_size)) {
    malformed(path, "its header of {} bytes does not fit", header_size);
  }
  const Bytes all(bytes);
  const Json header = parse_header(path, all.subspan(sizeof(header_size), header_size));
  const Bytes data = all.subspan(sizeof(header_size) + header_size);

  Safetensors file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      file.metadata = parse_metadata(path, value);
    } else {
      entries.push_back(parse_entry(path, name, value, data.size()));
    }
  }
  check_no_holes(path, entries, data.size());
  for (const auto& entry : entries) {
    Tensor tensor = Tensor::empty(Shape(entry.shape), entry.dtype);
    const Bytes from = data.subspan(entry.begin, entry.end - entry.begin);
    if (entry.dtype == DType::boolean &&
        std::any_of(from.begin(), from.end(), [](std::byte b) { return b > std::byte{1}; })) {
      malformed(path, "tensor '{}' has a bool that is neither 0 nor 1", entry.name);
    }
    if (!from.empty()) std::memcpy(tensor.raw(), from.data(), from.size());
    file.tensors.emplace(entry.name, tensor);
  }
  return file;
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& file) {
  Json header = Json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::vector<std::byte> data;
  for (const auto& [tensor_name, tensor] : file.tensors) {
    if (tensor_name == "__metadata__") {
      fail_op("write_safetensors", "the format keeps the name __metadata__ for itself; rename the tensor");
    }
    const DType dtype = tensor.dtype();
    const auto* format = std::find_if(std::begin(formats), std::end(formats),
                                      [dtype](const Format& f) { return f.dtype == dtype; });
    if (format == std::end(formats)) {
      fail_op("write_safetensors",
              "tensor '{}': {} has no place in the format; train in f32 or c64, or write real and imaginary "
              "parts (view_as_real)",
              tensor_name, name(tensor.dtype()));
    }
    const Tensor dense = tensor.contiguous();
    const std::size_t begin = data.size();
    data.insert(data.end(), dense.raw(),
                dense.raw() + static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
    header[tensor_name] = {{"dtype", format->name},
                           {"shape", std::vector<std::int64_t>(dense.shape().begin(), dense.shape().end())},
                           {"data_offsets", {begin, data.size()}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    fail_op("write_safetensors", "a name is not UTF-8; rename the tensor");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data start aligned
  const std::uint64_t size = text.size();
  write_file_atomically(path, {std::as_bytes(std::span(&size, 1)), as_bytes(text), Bytes(data)});
}

}  // namespace lrurec::nn
