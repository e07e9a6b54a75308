#include "nn/serialization/module_file.h"

#include "nn/optim/optimizer.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tensor/error.h"

namespace lrurec::nn {
namespace {

constexpr std::string_view file_kind = "weights";
constexpr std::uint32_t file_version = 1;

}  // namespace

std::map<std::string, TensorRecord> to_records(const Module& module) {
  std::map<std::string, TensorRecord> records;
  for (const auto& p : module.named_parameters()) records.emplace(p.name, to_record(p.variable.value()));
  return records;
}

void check_names(const std::map<std::string, Tensor>& wanted, const std::set<std::string>& found) {
  for (const auto& name : found) {
    if (!wanted.contains(name)) fail(ErrorKind::file, "tensor '{}' is not part of this model", name);
  }
  for (const auto& [name, tensor] : wanted) {
    if (!found.contains(name)) fail(ErrorKind::file, "tensor '{}' is missing", name);
  }
}

void load_records(const std::map<std::string, TensorRecord>& records, Module& module) {
  auto parameters = module.named_parameters();
  std::map<std::string, Tensor> wanted;
  for (const auto& p : parameters) wanted.emplace(p.name, p.variable.value());
  std::set<std::string> names;
  for (const auto& [name, record] : records) names.insert(name);
  check_names(wanted, names);
  Tensors values;
  for (const auto& p : parameters) {
    values.push_back(from_record(records.at(p.name), p.name, p.variable.dtype(), p.variable.shape()));
    if (const auto at = first_non_finite(values.back()); at >= 0) {
      fail(ErrorKind::file, "tensor '{}' is not finite at entry {}", p.name, at);
    }
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Variable& p = parameters[i].variable;
    p.set_value(values[i].to(p.value().device()));
  }
}

void save_module(const std::filesystem::path& path, const Module& module) {
  write_envelope(path, file_kind, file_version, to_bytes(to_records(module)));
}

void load_module(const std::filesystem::path& path, Module& module) {
  using Records = std::map<std::string, TensorRecord>;
  const auto records = from_bytes<Records>(read_envelope(path, file_kind, file_version), path.string());
  try {
    load_records(records, module);
  } catch (const Error& e) {
    fail(ErrorKind::file, "{}: {}", path.string(), e.what());
  }
}

}  // namespace lrurec::nn
