// lrurec export and import: weights to and from other tools, as safetensors.

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "lrurec/exchange/import_run.h"
#include "lrurec/exchange/weights.h"
#include "lrurec/model/models.h"
#include "lrurec/train/loaded_run.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct ExportOptions {
  std::string run, output, checkpoint = "best", names = "lrurec", complex_as = "c64";
  bool force = false, json = false;
};

void run_export(const ExportOptions& options) {
  if (std::filesystem::exists(options.output) && !options.force) {
    fail(ErrorKind::usage, "{} exists already; replace it with --force or choose another name with -o",
         options.output);
  }
  const auto folder = train::RunFolder::open(options.run);
  const auto path = folder.checkpoint(options.checkpoint);
  const auto checkpoint = train::load_checkpoint(folder, options.checkpoint);
  const config::TrainConfig config = checkpoint.parse_config(path.string());
  const auto model = train::load_model(checkpoint, path.string());
  const auto file = exchange::to_safetensors(
      *model,
      {.max_length = config.max_length,
       .fingerprint = checkpoint.fingerprint,
       .step = checkpoint.progress.step},
      options.names == "published" ? exchange::Names::published : exchange::Names::ours,
      options.complex_as == "split" ? exchange::ComplexAs::split : exchange::ComplexAs::c64);
  nn::write_safetensors(options.output, file);

  const std::string suffix = std::filesystem::path(options.output).extension().string();
  if (!suffix.empty() && suffix != ".safetensors") {
    warn("warning: {} is a safetensors file, whatever its name says", options.output);
  }

  const auto bytes = std::filesystem::file_size(options.output);
  if (options.json) {
    const nlohmann::json json{{"file", options.output},
                              {"checkpoint", path.string()},
                              {"tensors", file.tensors.size()},
                              {"parameters", model::real_parameters(*model)},
                              {"bytes", bytes},
                              {"names", options.names},
                              {"complex", options.complex_as},
                              {"metadata", file.metadata}};
    print_json(json);
    return;
  }
  print_out("{}: {} tensors, {} parameters, {} bytes; names {}, complex as {}; weights {} of step {}\n",
            options.output, file.tensors.size(), with_commas(model::real_parameters(*model)),
            with_commas(static_cast<std::int64_t>(bytes)), options.names, options.complex_as, path.string(),
            checkpoint.progress.step);
}

struct ImportOptions {
  std::string file, data, output;
  std::int64_t max_length = 0;
  bool other_data = false, json = false;
};

void run_import(const ImportOptions& options) {
  const auto weights = exchange::read_weights(options.file);
  const std::int64_t max_length = options.max_length > 0 ? options.max_length : weights.about.max_length;
  if (max_length == 0) {
    fail(ErrorKind::usage,
         "{} does not say how many items of history the model sees (metadata 'max_len'); give --max-length "
         "(the paper: 200 on ML-1M, 50 on Amazon and Steam)",
         options.file);
  }
  const data::Dataset data = data::Dataset::load(options.data);
  nlohmann::json description{{"command", command_line()},
                             {"fingerprint", data.fingerprint()},
                             {"imported_from", std::filesystem::absolute(options.file).string()},
                             {"metadata", weights.file.metadata},
                             {"environment", {{"lrurec", LRUREC_VERSION}, {"compiler", __VERSION__}}}};
  train::RunFolder::name_data(description, options.data);
  exchange::import_run(weights, data, max_length, options.other_data, description, options.output);

  const auto& config = weights.config;
  const std::string names = weights.names == exchange::Names::published ? "published" : "lrurec";
  if (options.json) {
    nlohmann::json json{
        {"run", options.output},     {"file", options.file},          {"names", names},
        {"model", config.model},     {"num_items", config.num_items}, {"max_length", max_length},
        {"step", weights.about.step}};
    const std::map<std::string, nlohmann::json> sizes{{"hidden", config.hidden},
                                                      {"channels", config.channels},
                                                      {"blocks", config.blocks},
                                                      {"layer_norm_eps", config.layer_norm_eps}};
    for (const auto& key : model::find_model(config.model).settings) {
      if (const auto size = sizes.find(key); size != sizes.end()) json[key] = size->second;
    }
    print_json(json);
    return;
  }
  print_out("{}: {}, {} names, {} items, history {}; {}\n", options.output, config.model, names,
            with_commas(config.num_items), max_length,
            fmt::join(config::own_settings(config::TrainConfig(config)), ", "));
  print_out("next: lrurec evaluate {}\n", shell_word(options.output));
}

}  // namespace

void add_export(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* sub = app.add_subcommand("export", "Write a run's weights as safetensors for other tools");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("-o,--output", options->output, "safetensors file to write")->required();
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--names", options->names,
                  "names of the tensors: lrurec (default) or published (those of the PyTorch code)")
      ->check(CLI::IsMember({"lrurec", "published"}));
  sub->add_option("--complex", options->complex_as,
                  "c64 (default), or split: two real tensors NAME.real and NAME.imag")
      ->check(CLI::IsMember({"c64", "split"}));
  sub->add_flag("--force", options->force, "replace the output file");
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_export(*options); });
}

void add_import(CLI::App& app) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* sub = app.add_subcommand("import", "Make a run of weights from another tool (safetensors)");
  sub->add_option("file", options->file, "safetensors file, names of lrurec or of the published code")
      ->required();
  sub->add_option("--data", options->data, "data set file whose items the weights are for")->required();
  sub->add_option("-o,--output", options->output, "folder of the new run")->required();
  sub->add_option("--max-length", options->max_length,
                  "L, items of history the model sees; default: what the file says")
      ->check(CLI::Range(1, 1000000000));
  sub->add_flag("--other-data", options->other_data,
                "accept a data set whose fingerprint is not the one in the file");
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_import(*options); });
}

}  // namespace lrurec::command
