#include "nn/serialization/module_file.h"

#include <fmt/ranges.h>

#include "nn/optim/clip.h"
#include "nn/serialization/safetensors.h"
#include "tensor/error.h"

namespace lrurec::nn {
namespace {

/// Names of parameters, frozen ones as well. Their values are finite; a buffer may be a mask of infinities.
std::set<std::string> parameter_names(const Module& module) {
  std::set<std::string> names;
  for (const auto& p : module.named_parameters()) names.insert(p.name);
  return names;
}

}  // namespace

std::map<std::string, TensorRecord> to_records(const Module& module) {
  std::map<std::string, TensorRecord> records;
  for (const auto& p : module.named_state()) records.emplace(p.name, to_record(p.variable.value()));
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

namespace {

/// The names of one parameter (tied weights), and the value that the first of them was given.
class TiedValues {
 public:
  /// The name under which this parameter was given another value before, "" if it was not.
  std::string contradiction(const std::string& name, const Variable& parameter, const Tensor& value) {
    const auto [at, is_new] = seen_.try_emplace(&parameter.value(), name, value);
    const auto& [first, given] = at->second;
    return is_new || to_record(given).bytes == to_record(value).bytes ? "" : first;
  }

 private:
  std::map<const Tensor*, std::pair<std::string, Tensor>> seen_;  // a Variable under two names has one value
};

}  // namespace

void load_records(const std::map<std::string, TensorRecord>& records, Module& module) {
  auto state = module.named_state();
  const auto parameters = parameter_names(module);
  std::map<std::string, Tensor> wanted;
  for (const auto& p : state) wanted.emplace(p.name, p.variable.value());
  std::set<std::string> names;
  for (const auto& [name, record] : records) names.insert(name);
  check_names(wanted, names);
  Tensors values;
  TiedValues tied;
  for (const auto& p : state) {
    values.push_back(from_record(records.at(p.name), p.name, p.variable.dtype(), p.variable.shape()));
    if (const auto first = tied.contradiction(p.name, p.variable, values.back()); !first.empty()) {
      fail(ErrorKind::file, "tensors '{}' and '{}' differ, and are one here", first, p.name);
    }
    if (const auto at = parameters.contains(p.name) ? first_non_finite(values.back()) : -1; at >= 0) {
      fail(ErrorKind::file, "tensor '{}' is not finite at entry {}", p.name, at);
    }
  }
  for (std::size_t i = 0; i < state.size(); ++i) {
    Variable& p = state[i].variable;
    p.set_value(values[i].to(p.value().device()));
  }
}

void save_module(const std::filesystem::path& path, const Module& module) {
  Safetensors file;
  for (const auto& [name, variable] : module.named_state())
    file.tensors.emplace(name, variable.value().host());
  write_safetensors(path, file);
}

std::string LoadReport::str() const {
  if (same()) return "all tensors fit";
  std::vector<std::string> parts;
  const auto say = [&parts](const char* what, const std::vector<std::string>& list) {
    if (!list.empty()) parts.push_back(fmt::format("{}: {}", what, fmt::join(list, ", ")));
  };
  say("missing in the file", missing);
  say("not part of the module", unexpected);
  say("of another shape, kind or value", unlike);
  return fmt::format("{}", fmt::join(parts, "; "));
}

LoadReport load_module(const std::filesystem::path& path, Module& module, Loading loading) {
  const Safetensors file = read_safetensors(path);
  auto state = module.named_state();
  const auto parameters = parameter_names(module);
  LoadReport report;
  std::set<std::string> known;
  std::vector<std::pair<Variable, Tensor>> fitting;
  TiedValues tied;
  for (const auto& [name, variable] : state) {
    known.insert(name);
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) {
      report.missing.push_back(name);
      continue;
    }
    const Tensor& value = found->second;
    const auto kind = [](DType dtype) {
      return is_real(dtype) ? DType::f32 : is_complex(dtype) ? DType::c64 : dtype;
    };
    if (value.shape() != variable.shape() || kind(value.dtype()) != kind(variable.dtype())) {
      report.unlike.push_back(fmt::format("{}: {} {} in the file, {} {} here", name,
                                          lrurec::name(value.dtype()), value.shape().str(),
                                          lrurec::name(variable.dtype()), variable.shape().str()));
      continue;
    }
    const Tensor converted = value.to(variable.dtype());  // in f32, what was finite may be infinite
    if (const auto at = parameters.contains(name) ? first_non_finite(converted) : -1; at >= 0) {
      fail(ErrorKind::file, "{}: tensor '{}' is not finite at entry {}", path.string(), name, at);
    }
    if (const auto first = tied.contradiction(name, variable, converted); !first.empty()) {
      report.unlike.push_back(
          fmt::format("{}: another value in the file than {}, one tensor here", name, first));
      continue;
    }
    fitting.emplace_back(variable, converted.to(variable.value().device()));
  }
  for (const auto& [name, tensor] : file.tensors) {
    if (!known.contains(name)) report.unexpected.push_back(name);
  }
  if (loading == Loading::strict && !report.same()) {
    fail(ErrorKind::file, "{} does not fit the module ({}); load what fits with Loading::lenient",
         path.string(), report.str());
  }
  for (auto& [variable, value] : fitting) variable.set_value(value);
  return report;
}

namespace {

/// The state by name, and the number of steps as one tensor more.
std::map<std::string, Tensor> state_and_steps(const Optimizer& optimizer) {
  auto all = optimizer.state();
  all.emplace("steps", Tensor::scalar(optimizer.steps()));
  return all;
}

}  // namespace

void save_optimizer(const std::filesystem::path& path, const Optimizer& optimizer) {
  Safetensors file;
  for (const auto& [name, tensor] : state_and_steps(optimizer)) file.tensors.emplace(name, tensor.host());
  write_safetensors(path, file);
}

void load_optimizer(const std::filesystem::path& path, Optimizer& optimizer) {
  const auto found = read_safetensors(path).tensors;
  const auto state = state_and_steps(optimizer);
  try {
    std::set<std::string> names;
    for (const auto& [name, tensor] : found) names.insert(name);
    check_names(state, names);
    for (const auto& [name, tensor] : state) {
      const Tensor& value = found.at(name);
      if (value.shape() != tensor.shape() || value.dtype() != tensor.dtype()) {
        fail(ErrorKind::file, "tensor '{}' is {} {}, {} {} is needed", name, lrurec::name(value.dtype()),
             value.shape().str(), lrurec::name(tensor.dtype()), tensor.shape().str());
      }
      if (first_non_finite(value) >= 0) {
        fail(ErrorKind::file, "tensor '{}' has a number that is not finite", name);
      }
      if (const std::string problem = optimizer.problem(name, value); !problem.empty()) {
        fail(ErrorKind::file, "{}", problem);
      }
    }
    if (const auto steps = found.at("steps").item<std::int64_t>(); steps < 0) {
      fail(ErrorKind::file, "{} steps were made, which cannot be", steps);
    }
  } catch (const Error& e) {
    fail(ErrorKind::file, "{}: {}", path.string(), e.what());
  }
  for (auto [name, tensor] : state) tensor.copy_(found.at(name).to(tensor.device()));
  optimizer.set_steps(found.at("steps").item<std::int64_t>());
}

}  // namespace lrurec::nn
