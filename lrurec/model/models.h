#pragma once
// The table of models: what is known of each without making one.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lrurec/data/examples.h"
#include "lrurec/model/model.h"

namespace lrurec::model {

/// The size of one forward pass, for counting its operations.
struct Work {
  double tokens = 0;       ///< of all sequences
  double token_pairs = 0;  ///< sum over sequences of length squared
  double rows = 0;         ///< of the output that are computed

  void add(const Work& other, double times = 1) {
    tokens += times * other.tokens;
    token_pairs += times * other.token_pairs;
    rows += times * other.rows;
  }
};

/// Settings of a training by name, as text, such as {"dropout", "0.5"}.
using SettingTexts = std::map<std::string, std::string>;

struct ModelInfo {
  std::string name;          ///< as the command takes it: "gru4rec"
  std::string title;         ///< as papers write it: "GRU4Rec"
  std::string what;          ///< what it is, in a line
  std::string paper;         ///< first author, venue and year
  bool has_state = false;    ///< steps on a state of a fixed size (Model::step)
  bool knows_users = false;  ///< has weights for each user of the data set
  bool needs_users = false;  ///< has no answer for other users
  std::string event_cost;    ///< operations for one more event, in H, D, L and n, the events before it
  data::ExampleKind examples;
  /// The settings of lrurec/model/config.h that it has: they decide what it computes.
  std::vector<std::string> settings;
  /// Its settings of data::ExampleOptions: they decide what it is trained on.
  std::vector<std::string> example_settings{};
  /// What differs from the defaults, by the preset's name; "" applies to all presets.
  std::map<std::string, SettingTexts> presets;

  std::unique_ptr<Model> (*make)(const ModelConfig&, const nn::Initializer&);
  /// Number of real parameters, a complex one counted as two, without making the model. A double, since sizes
  /// read from a file may be larger than any integer.
  double (*real_parameters)(const ModelConfig&);
  /// Floating-point operations from tokens to rows, a multiply-add as two; the products only.
  double (*forward_flop)(const ModelConfig&, const Work&);
  /// Whether none of its products use OpenBLAS, whose rounding depends on the number of rows and of threads.
  bool (*has_own_products)(const ModelConfig&) = [](const ModelConfig&) { return false; };
};

/// All models, in the order of their publication, LRURec last.
const std::vector<const ModelInfo*>& models();
std::vector<std::string> model_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const ModelInfo& find_model(const std::string& name);

/// A model with initial values of this seed; `real` is f32 or f64. An unknown config.model is
/// ErrorKind::usage.
std::unique_ptr<Model> make_model(const ModelConfig& config, std::uint64_t seed, DType real = DType::f32);
/// An f32 model whose values are loaded afterwards: drawing those of a large item table takes as long as all
/// the rest.
std::unique_ptr<Model> make_model_without_values(const ModelConfig& config);

/// Number of real parameters of a model, a complex one counted as two.
std::int64_t real_parameters(const nn::Module& model);

/// Floating-point operations of a training step, forward and backward: `head` for scoring its rows against
/// `classes` classes, `blocks` for the rest.
struct Flop {
  double head = 0, blocks = 0;
  double total() const { return head + blocks; }
};
Flop training_flop(const Model& model, const Work& work, double classes);

}  // namespace lrurec::model
