// Weights that are exported and imported again have the same bits, under both namings and with both forms of
// complex numbers. Whatever does not fit gives one clear error.

#include <sys/inotify.h>
#include <unistd.h>

#include <limits>
#include <set>

#include "lrurec/exchange/import_run.h"
#include "lrurec/exchange/weights.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/model/models.h"
#include "lrurec/model/published.h"
#include "tensor/error.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::exchange {
namespace {

using test::TemporaryFolder;

const model::ModelConfig small{.num_items = 7, .hidden = 4, .channels = 8};

/// The bits of every parameter of a model, by name.
std::map<std::string, std::vector<std::uint8_t>> bits(const model::LRURec& model) {
  std::map<std::string, std::vector<std::uint8_t>> result;
  for (const auto& [name, record] : nn::to_records(model)) result.emplace(name, record.bytes);
  return result;
}

class Exchange : public testing::Test {
 protected:
  nn::Safetensors exported(Names names = Names::published, ComplexAs complex_as = ComplexAs::c64) const {
    return to_safetensors(model_, {.max_length = 9, .fingerprint = "", .step = 12}, names, complex_as);
  }
  Weights read(const nn::Safetensors& file) const {
    nn::write_safetensors(folder_ / "w.safetensors", file);
    return read_weights(folder_ / "w.safetensors");
  }
  /// Reading and loading must fail as a bad file whose message names it and says `message`.
  void expect_refused(const nn::Safetensors& file, const std::string& message) const {
    model::LRURec other(small, 2);
    try {
      read(file).load_into(other);
      ADD_FAILURE() << "not refused: " << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::file) << e.what();
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what();
      EXPECT_EQ(std::string(e.what()).find((folder_ / "w.safetensors").string()), 0U) << e.what();
    }
  }

  TemporaryFolder folder_;
  model::LRURec model_{small, 1};
};

TEST_F(Exchange, RoundTripsAreBitEqual) {
  for (const Names names : {Names::ours, Names::published}) {
    for (const ComplexAs complex_as : {ComplexAs::c64, ComplexAs::split}) {
      const nn::Safetensors file = exported(names, complex_as);
      bool any_complex = false;
      for (const auto& [name, tensor] : file.tensors) any_complex |= is_complex(tensor.dtype());
      EXPECT_EQ(any_complex, complex_as == ComplexAs::c64);

      const Weights weights = read(file);
      EXPECT_EQ(weights.names, names);
      EXPECT_EQ(weights.about.max_length, 9);
      EXPECT_EQ(weights.about.step, 12);
      EXPECT_EQ(weights.config.num_items, 7);
      EXPECT_EQ(weights.config.hidden, 4);
      EXPECT_EQ(weights.config.channels, 8);
      EXPECT_EQ(weights.config.blocks, 2);
      model::LRURec other(weights.config, 2);
      ASSERT_NE(bits(other), bits(model_));
      weights.load_into(other);
      EXPECT_EQ(bits(other), bits(model_));
    }
  }
}

TEST_F(Exchange, SplitPartsAreTheRealAndTheImaginaryPart) {
  const auto whole = exported(Names::published, ComplexAs::c64).tensors;
  const auto parts = exported(Names::published, ComplexAs::split).tensors;
  const std::string name = "model.lru_blocks.1.lru_layer.in_proj.weight";
  const auto z = whole.at(name).to_vector<c64>();
  const auto x = parts.at(name + ".real").to_vector<float>(), y = parts.at(name + ".imag").to_vector<float>();
  EXPECT_FALSE(parts.contains(name));
  ASSERT_EQ(x.size(), z.size());
  for (std::size_t i = 0; i < z.size(); ++i) EXPECT_EQ(z[i], c64(x[i], y[i]));
}

TEST_F(Exchange, FixturesAndFilesWithoutMetadataCanBeRead) {
  nn::Safetensors fixture;
  for (const auto& [name, tensor] : exported().tensors) fixture.tensors["weights." + name] = tensor;
  fixture.tensors["input"] = Tensor::zeros({2, 3}, DType::i64);
  fixture.tensors["grads.model.bias"] = Tensor::zeros({8}, DType::f32);
  const Weights weights = read(fixture);
  EXPECT_EQ(weights.about.max_length, 0) << "not told";
  EXPECT_EQ(weights.config.layer_norm_eps, 1e-5) << "PyTorch's default";
  model::LRURec other(weights.config, 2);
  weights.load_into(other);
  EXPECT_EQ(bits(other), bits(model_));

  fixture.tensors["more"] = Tensor::zeros({2}, DType::f32);
  expect_refused(fixture, "'more' lacks the prefix 'weights.'");
}

TEST_F(Exchange, DoublesAreRounded) {
  nn::Safetensors file = exported();
  for (auto& [name, tensor] : file.tensors) {
    if (tensor.dtype() == DType::f32) tensor = tensor.to(DType::f64);
  }
  model::LRURec other(small, 2);
  read(file).load_into(other);
  EXPECT_EQ(bits(other), bits(model_));
}

TEST_F(Exchange, TensorsThatDoNotFitAreNamed) {
  const nn::Safetensors good = exported();
  const auto with = [&](const std::string& name, const Tensor& tensor) {
    nn::Safetensors file = good;
    file.tensors[name] = tensor;
    return file;
  };
  nn::Safetensors file = good;
  file.tensors.erase("model.lru_blocks.1.feed_forward.w_1.bias");
  expect_refused(file, "'model.lru_blocks.1.feed_forward.w_1.bias' is missing");
  expect_refused(with("model.head.bias", Tensor::zeros({3}, DType::f32)), "'model.head.bias' is not part of");
  expect_refused(with("model.bias", Tensor::zeros({3}, DType::f32)), "'model.bias' is f32 [3]");
  expect_refused(with("model.bias", Tensor::zeros({8}, DType::i64)), "'model.bias' is i64");
  expect_refused(with("embedding.token.weight", Tensor::zeros({8}, DType::f32)),
                 "'embedding.token.weight' has the shape [8]");
  expect_refused(with("model.bias.real", Tensor::zeros({8}, DType::f32)),
                 "'model.bias.real' has no 'model.bias.imag'");
  expect_refused(with("embedding.weight", Tensor::zeros({8, 4}, DType::f32)), "it holds both");
  file = {};
  file.tensors["a"] = Tensor::zeros({1}, DType::f32);
  expect_refused(file, "it holds neither");

  file = exported(Names::published, ComplexAs::split);
  file.tensors["model.lru_blocks.0.lru_layer.in_proj.bias.imag"] = Tensor::zeros({3}, DType::f32);
  expect_refused(file, "the parts must be real and alike");

  file = exported(Names::ours);
  file.tensors.erase("blocks.0.lru.theta_log");
  expect_refused(file, "'blocks.0.lru.theta_log' is missing");
  file = exported(Names::ours);
  file.tensors["blocks.0.lru.extra"] = Tensor::zeros({1}, DType::f32);
  expect_refused(file, "'blocks.0.lru.extra' is not part of this model");
}

TEST_F(Exchange, NumbersThatCannotBeUsedAreRefused) {
  nn::Safetensors file = exported(Names::ours);
  file.tensors["bias"] = file.tensors["bias"].clone();
  file.tensors["bias"].data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(file, "'bias' is not finite at entry 5");
  file = exported(Names::ours);
  file.tensors["blocks.1.lru.nu_log"] = Tensor::full({8}, -60, DType::f32);
  expect_refused(file, "an eigenvalue has modulus 1");
}

TEST_F(Exchange, MetadataMustAgreeWithTheTensors) {
  const auto with = [&](const std::string& key, const std::string& text) {
    nn::Safetensors file = exported();
    file.metadata[key] = text;
    return file;
  };
  expect_refused(with("hidden", "5"), "its metadata say hidden 5, its tensors 4");
  expect_refused(with("num_items", "8"), "its metadata say num_items 8, its tensors 7");
  expect_refused(with("blocks", "many"), "'blocks' is no number");
  expect_refused(with("layer_norm_eps", "-1"), "'layer_norm_eps' is no number of 0 or more");
  expect_refused(with("outer_gelu", "1"), "'outer_gelu' is neither true nor false");
  expect_refused(with("lru_dropout", "-5"), "'lru_dropout' is no number of 0 or more");
  expect_refused(with("step", "9007199254740993"), "step 9007199254740993, which is more than 2^53");
}

// Regression: parameters without a published name held whatever was in memory.
TEST_F(Exchange, PublishedNamesHoldNoMoreThanThePublishedModel) {
  for (const char* key : {"norm_first", "item_norm", "gates", "outer_gelu"}) {
    nn::Safetensors file = exported();
    file.metadata[key] = "true";
    expect_refused(file, "the published model cannot compute");
  }
  nn::Safetensors file = exported();
  file.metadata["layer_norm"] = "false";
  expect_refused(file, "lacks some");
  // load_state_dict does not read metadata: the scores would be those of PyTorch's default.
  file = exported();
  file.metadata["layer_norm_eps"] = "0.01";
  expect_refused(file, "layer_norm_eps = 1e-05, this one 0.01");
  test::expect_error(ErrorKind::usage, "layer_norm_eps = 1e-05, this one 0.01", [] {
    const model::LRURec model({.num_items = 7, .hidden = 4, .channels = 8, .layer_norm_eps = 0.01}, 1);
    to_safetensors(model, {}, Names::published, ComplexAs::c64);
  });
  for (const auto& [config, name] : std::vector<std::pair<model::ModelConfig, std::string>>{
           {{.num_items = 7, .hidden = 4, .channels = 8, .norm_first = true}, "final_layer_norm"},
           {{.num_items = 7, .hidden = 4, .channels = 8, .item_norm = true}, "item_norm"},
           {{.num_items = 7, .hidden = 4, .channels = 8, .gates = true}, "gate"}}) {
    model::LRURec model(config, 1);
    test::expect_error(ErrorKind::file, name, [&] { model::load_published(exported(), "", model); });
  }
}

TEST_F(Exchange, SizesAreHeldToWhatIsThereBeforeMemoryIsAskedFor) {
  nn::Safetensors file = exported(Names::ours);
  file.tensors["embedding.weight"] = Tensor::zeros({8, 8192}, DType::f32);
  file.metadata.erase("hidden");
  expect_refused(file, "by the shapes of some tensors the model has");
}

TEST_F(Exchange, DropoutsComeFromTheMetadata) {
  const TemporaryFolder folder;
  nn::Safetensors file = exported(Names::ours);
  file.metadata["dropout"] = "0.33";
  file.metadata["lru_dropout"] = "0.44";
  nn::write_safetensors(folder / "weights", file);
  const Weights weights = read_weights(folder / "weights");
  EXPECT_EQ(weights.config.dropout, 0.33);
  EXPECT_EQ(weights.config.lru_dropout, 0.44);
}

TEST_F(Exchange, AnAblatedModelComesBackAsItWas) {
  for (const model::ModelConfig& config :
       std::vector<model::ModelConfig>{{.num_items = 7, .layer_norm = false},
                                       {.num_items = 7, .residual = false},
                                       {.num_items = 7, .layer_norm_eps = 1e-3},
                                       {.num_items = 7, .pffn = false},
                                       {.num_items = 7, .backbone = "rwkv"},
                                       {.num_items = 7, .network = "swiglu", .gates = true},
                                       {.num_items = 7, .norm_first = true},
                                       {.num_items = 7, .item_norm = true},
                                       {.num_items = 7, .backbone = "gated-lru", .gates = true}}) {
    const model::LRURec model(config, 1);
    const Weights weights = read(to_safetensors(model, {}, Names::ours, ComplexAs::c64));
    EXPECT_EQ(weights.config.layer_norm, config.layer_norm);
    EXPECT_EQ(weights.config.layer_norm_eps, config.layer_norm_eps);
    EXPECT_EQ(weights.config.residual, config.residual);
    EXPECT_EQ(weights.config.pffn, config.pffn);
    EXPECT_EQ(weights.config.backbone, config.backbone);
    EXPECT_EQ(weights.config.network, config.network);
    EXPECT_EQ(weights.config.gates, config.gates);
    EXPECT_EQ(weights.config.norm_first, config.norm_first);
    EXPECT_EQ(weights.config.item_norm, config.item_norm);
    model::LRURec back(weights.config, 2);
    weights.load_into(back);
    EXPECT_EQ(back.parameter_count(), model.parameter_count());
    const Tensor ids = Tensor::from(std::vector<std::int64_t>{1, 2}),
                 at = Tensor::from(std::vector<std::int64_t>{0, 2});
    EXPECT_EQ(test::max_difference(back.encode(ids, at).value(), model.encode(ids, at).value()), 0);
  }
}

// Files of before a setting existed are read as they were meant; what a model is trained on is no part of it.
TEST_F(Exchange, ASettingThatTheFileDoesNotKnowHasItsDefault) {
  const auto model = model::make_model({.model = "sasrec", .num_items = 7, .max_length = 5, .hidden = 8}, 1);
  nn::Safetensors file =
      to_safetensors(*model, {.max_length = 5, .fingerprint = {}, .step = 0}, Names::ours, ComplexAs::c64);
  EXPECT_FALSE(file.metadata.contains("train_heads"));
  ASSERT_EQ(file.metadata.erase("layer_norm_eps"), 1U);
  EXPECT_EQ(read(file).config.layer_norm_eps, config::TrainConfig{}.layer_norm_eps);
  file.metadata.erase("hidden");  // one that the tensors contradict
  expect_refused(file, "numbers, its tensors");
  file.metadata.erase("num_items");
  expect_refused(file, "its metadata say 0 items and 0 users; give \"num_items\"");
  file.metadata.erase("model");
  expect_refused(file, "(taken for lrurec, since its metadata name no \"model\")");
}

// BERT4Rec's presets count places from the end; what was trained before they did counts from the start.
TEST_F(Exchange, PlacesAreCountedAsTheModelWasTrained) {
  for (const std::string from : {"start", "end"}) {
    const auto model = model::make_model(
        {.model = "bert4rec", .num_items = 7, .max_length = 5, .hidden = 8, .positions_from = from}, 1);
    nn::Safetensors file =
        to_safetensors(*model, {.max_length = 5, .fingerprint = {}, .step = 0}, Names::ours, ComplexAs::c64);
    EXPECT_EQ(read(file).config.positions_from, from);
    ASSERT_EQ(file.metadata.erase("positions_from"), 1U);
    EXPECT_EQ(read(file).config.positions_from, "start");
  }
}

TEST_F(Exchange, PublishedNamesAreForModelsThatThePublishedCodeCanCompute) {
  const auto refused = [](const model::ModelConfig& config, const std::string& message) {
    const model::LRURec model(config, 1);
    EXPECT_NO_THROW(to_safetensors(model, {}, Names::ours, ComplexAs::c64));
    try {
      to_safetensors(model, {}, Names::published, ComplexAs::c64);
      ADD_FAILURE() << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what();
    }
  };
  refused({.num_items = 7, .hidden = 4, .channels = 6}, "8 channels, this one 6");
  refused({.num_items = 7, .hidden = 4, .channels = 8, .outer_gelu = true}, "no outer GELU");
  refused({.num_items = 7, .hidden = 4, .channels = 8, .pffn = false}, "lacks some");
  refused({.num_items = 7, .hidden = 4, .channels = 8, .gates = true}, "no gates");
  refused({.num_items = 7, .hidden = 4, .channels = 8, .norm_first = true}, "norms come after");
  refused({.num_items = 7, .hidden = 4, .channels = 8, .item_norm = true}, "vectors as they are");
}

TEST_F(Exchange, ARunIsMadeOnlyOfWeightsThatFitItsData) {
  const data::Dataset data = test::make_dataset({{1, 2, 3, 4}, {5, 6, 7, 1, 2}});
  nn::Safetensors file = exported();
  const auto refused = [&](const data::Dataset& of, const std::string& message) {
    try {
      import_run(read(file), of, 9, false, nlohmann::json::object(), folder_ / "run");
      ADD_FAILURE() << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::file) << e.what();
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what();
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run")) << "nothing is written before all is checked";
  };
  refused(test::make_dataset({{1, 2, 3}}), "are for 7 items, the data set has 3");
  file.metadata["dataset_fingerprint"] = "0123";
  refused(data, "fingerprint 0123");
  EXPECT_NO_THROW(import_run(read(file), data, 9, true, nlohmann::json::object(), folder_ / "other"));
  file = exported();
  file.metadata["layer_norm_eps"] = "2";
  refused(data, "layer_norm_eps");

  const auto run = import_run(read(exported()), data, 9, false, {{"data", "d.lrd"}}, folder_ / "run");
  for (const char* name : {"best", "last"}) {
    const auto checkpoint = train::Checkpoint::load(run.checkpoint(name));
    const auto config = checkpoint.parse_config("c");
    EXPECT_EQ(config.max_length, 9);
    EXPECT_EQ(checkpoint.progress.step, 12);
    EXPECT_EQ(checkpoint.fingerprint, data.fingerprint());
    model::LRURec other(config.model_config(data.items(), data.users()), 3);
    train::load_parameters(checkpoint, "c", other);
    EXPECT_EQ(bits(other), bits(model_));
  }
}

// Regression: best.ckpt was there alone for a moment, and a kill then left a run that no command could use.
TEST_F(Exchange, TheLastCheckpointOfAnImportIsThereBeforeTheBest) {
  const auto checkpoints = folder_ / "run" / "checkpoints";
  std::filesystem::create_directories(checkpoints);
  const int watch = ::inotify_init1(IN_NONBLOCK);
  if (::inotify_add_watch(watch, checkpoints.c_str(), IN_MOVED_TO) < 0) {
    ::close(watch);
    GTEST_SKIP() << "renames cannot be watched here";
  }
  const data::Dataset data = test::make_dataset({{1, 2, 3, 4}, {5, 6, 7, 1, 2}});
  import_run(read(exported()), data, 9, false, {{"data", "d.lrd"}}, folder_ / "run");
  alignas(inotify_event) char events[4096];
  const ssize_t length = ::read(watch, events, sizeof events);
  ::close(watch);
  std::vector<std::string> names;
  for (ssize_t at = 0; at < length;) {
    const auto* event = reinterpret_cast<const inotify_event*>(events + at);
    names.emplace_back(event->name);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"next.ckpt", "last.ckpt", "best.ckpt"}));
}

}  // namespace
}  // namespace lrurec::exchange
