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

/// Gives a module the weights of some records. Throws ErrorKind::file, naming the tensor, and leaves the
/// module unchanged where a tensor is missing, extra or misshaped, a parameter is not finite, or the names of
/// a tied parameter have different values. A buffer may be a mask of infinities.
void load_records(const std::map<std::string, TensorRecord>& records, Module& module);

/// Throws ErrorKind::file, naming the first tensor that only one side has.
void check_names(const std::map<std::string, Tensor>& wanted, const std::set<std::string>& found);

/// Writes parameters and buffers as safetensors, under their names. The format has no c128, which is an
/// error.
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
/// other. A parameter that is not finite throws ErrorKind::file in both ways of loading; a buffer need not
/// be.
LoadReport load_module(const std::filesystem::path& path, Module& module, Loading loading = Loading::strict);

/// Writes the state of an optimiser as safetensors, with the number of steps as one tensor more. Together
/// with the weights it lets a training continue with the same bits, if the learning rate and the options,
/// which are not saved, are the same.
void save_optimizer(const std::filesystem::path& path, const Optimizer& optimizer);
/// Reads it into an optimiser of the same kind over the same parameters. Any difference, a number that is not
/// finite or a negative number of steps throws ErrorKind::file, and the optimiser is unchanged.
void load_optimizer(const std::filesystem::path& path, Optimizer& optimizer);

}  // namespace lrurec::nn
