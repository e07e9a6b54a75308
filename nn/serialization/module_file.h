#pragma once
// Saving and loading the weights of any Module.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/optim/optimizer.h"
#include "nn/serialization/tensor_record.h"

namespace lrurec::nn {

/// All parameters and buffers of a module by name.
std::map<std::string, TensorRecord> to_records(const Module& module);

/// Gives a module the weights of some records. A missing, extra or misshaped tensor, or a parameter that is
/// not finite, is ErrorKind::file, naming it, and so are two values for one parameter under two names (tied
/// weights); the module is then unchanged. A buffer may be a mask of infinities.
void load_records(const std::map<std::string, TensorRecord>& records, Module& module);

/// ErrorKind::file naming the first tensor that only one side has.
void check_names(const std::map<std::string, Tensor>& wanted, const std::set<std::string>& found);

/// Writes parameters and buffers as safetensors, under their names. c128 has no place in that format and is
/// an error.
void save_module(const std::filesystem::path& path, const Module& module);

/// How a file and a module differ, a line for each tensor.
struct LoadReport {
  std::vector<std::string> missing;     ///< names of the module that the file lacks
  std::vector<std::string> unexpected;  ///< names of the file that the module lacks
  std::vector<std::string> unlike;  ///< of another shape, or real where the module's is complex: "w: [2, 3]
                                    ///< in the file, [4, 3] here"; or a second value for a tied parameter
  bool same() const { return missing.empty() && unexpected.empty() && unlike.empty(); }
  /// All of it in a sentence.
  std::string str() const;
};

enum class Loading {
  strict,   ///< any difference is ErrorKind::file that lists all, and the module is unchanged
  lenient,  ///< what fits is loaded, the rest keeps its values
};

/// Gives a module the tensors of a safetensors file, in the module's dtypes: f32 and f64 convert to each
/// other. A parameter that is not finite is ErrorKind::file in both ways of loading; a buffer may be so.
LoadReport load_module(const std::filesystem::path& path, Module& module, Loading loading = Loading::strict);

/// The state of an optimiser beside the weights: with both a training goes on bit by bit, if learning rate
/// and options are the same, which are not saved. Safetensors, with the number of steps as one tensor more.
void save_optimizer(const std::filesystem::path& path, const Optimizer& optimizer);
/// Into an optimiser of the same kind over the same parameters; any difference, a number that is not
/// finite or a negative number of steps is ErrorKind::file, and the optimiser is unchanged.
void load_optimizer(const std::filesystem::path& path, Optimizer& optimizer);

}  // namespace lrurec::nn
