#pragma once
// Saving and loading the weights of any Module.

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "nn/module.h"
#include "nn/serialization/tensor_record.h"

namespace lrurec::nn {

/// All parameters of a module by name.
std::map<std::string, TensorRecord> to_records(const Module& module);

/// Gives a module the weights of some records. A missing, extra, misshaped or non-finite tensor is
/// ErrorKind::file, naming it; the module is then unchanged.
void load_records(const std::map<std::string, TensorRecord>& records, Module& module);

/// ErrorKind::file naming the first tensor that only one side has.
void check_names(const std::map<std::string, Tensor>& wanted, const std::set<std::string>& found);

/// Writes and reads a file of weights (envelope kind "weights").
void save_module(const std::filesystem::path& path, const Module& module);
void load_module(const std::filesystem::path& path, Module& module);

}  // namespace lrurec::nn
