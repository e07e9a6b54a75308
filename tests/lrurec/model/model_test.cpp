#include "lrurec/model/lrurec.h"

#include <omp.h>

#include <algorithm>

#include "lrurec/check/gradients.h"
#include "lrurec/check/parity.h"
#include "lrurec/data/batches.h"
#include "lrurec/model/backbones.h"
#include "lrurec/model/models.h"
#include "lrurec/model/published.h"
#include "lrurec/model/session.h"
#include "ops/ops.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::model {
namespace {

using test::expect_error;
using test::max_difference;

const std::filesystem::path fixture = test::source_folder() / "tests/fixtures/parity_tiny.safetensors";

TEST(Model, HasTheSizeOfThePaperOnMl1m) {
  const LRURec model({.num_items = 3416}, 1);
  EXPECT_EQ(model.parameter_count(), 322841);
}

TEST(Model, AnEigenvalueThatIsNoNumberIsAProblem) {
  const LRURec model({.num_items = 9, .hidden = 4, .channels = 3}, 1);
  EXPECT_EQ(model.problem(), "");
  const Tensor broken = model.parameter("blocks.0.lru.theta_log").value();
  broken.data<float>()[1] = 100;  // exp(exp(100) i): no angle
  EXPECT_NE(model.problem(), "");
}

struct Batch {
  Tensor items, offsets, labels;
  explicit Batch(const data::PackedBatch& b)
      : items(Tensor::from(b.items)), offsets(Tensor::from(b.offsets)), labels(Tensor::from(b.labels)) {}
};

std::map<std::string, Tensor> gradients(const LRURec& model) {
  std::map<std::string, Tensor> result;
  for (const auto& p : model.named_parameters()) result.emplace(p.name, p.variable.grad());
  return result;
}

TEST(Model, FusedLossIsTheComposition) {
  const data::Dataset data = test::small_demo();
  data::Batcher batcher(data, {.max_length = 6}, 16, 1);
  const Batch batch(batcher.batch(0, 0));
  LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12, .dropout = 0.3}, 2, DType::f64);
  const nn::ForwardContext context{true, 5, 9};
  const Variable fused = model.loss({batch.items, batch.offsets, batch.labels}, context);
  fused.backward();
  const auto from_fused = gradients(model);
  model.zero_grad();
  const Variable composed = model.loss_composed({batch.items, batch.offsets, batch.labels}, context);
  composed.backward();
  EXPECT_LE(max_difference(fused.value(), composed.value()), 1e-14);
  for (const auto& [name, gradient] : gradients(model)) {
    EXPECT_LE(max_difference(gradient, from_fused.at(name)), 1e-14) << name;
  }
}

// Sums run in a fixed order, so that a training run does not depend on how many threads it had.
TEST(Model, LossAndGradientsHaveTheSameBitsForAnyNumberOfThreads) {
  const data::Dataset data = test::small_demo();
  data::Batcher batcher(data, {.max_length = 20}, 64, 1);
  const Batch batch(batcher.batch(0, 0));
  const nn::ForwardContext context{true, 5, 9};
  const int threads = omp_get_max_threads();
  const auto run = [&](int n) {
    omp_set_num_threads(n);
    LRURec model({.num_items = data.items(), .hidden = 16, .channels = 32, .dropout = 0.3}, 2);
    const Variable loss = model.loss({batch.items, batch.offsets, batch.labels}, context);
    loss.backward();
    auto all = gradients(model);
    all.emplace("loss", loss.value());
    omp_set_num_threads(threads);
    return all;
  };
  const auto one = run(1);
  for (const int n : {2, 3}) {
    for (const auto& [name, tensor] : run(n)) EXPECT_EQ(max_difference(tensor, one.at(name)), 0) << name << n;
  }
}

TEST(Model, LastTokensHaveTheSameBitsAsTheWhole) {
  const data::Dataset data = test::small_demo();
  data::Batcher batcher(data, {.max_length = 20}, 64, 1);
  const Batch batch(batcher.batch(0, 0));
  for (const ModelConfig& variant : std::vector<ModelConfig>{{},
                                                             {.outer_gelu = true},
                                                             {.layer_norm = false},
                                                             {.residual = false},
                                                             {.pffn = false},
                                                             {.norm_first = true},
                                                             {.network = "swiglu", .gates = true},
                                                             {.backbone = "gated-lru"}}) {
    for (const std::int64_t blocks : {0, 1, 2}) {
      ModelConfig config = variant;
      config.num_items = data.items(), config.hidden = 16, config.channels = 32, config.blocks = blocks;
      const LRURec model(config, 2);
      const Tensor all = model.encode(batch.items, batch.offsets).value();
      const Tensor last = model.encode_last(batch.items, batch.offsets).value();
      const auto at = batch.offsets.to_vector<std::int64_t>();
      for (std::int64_t s = 0; s < last.size(0); ++s) {
        const std::int64_t row = at[static_cast<std::size_t>(s + 1)] - 1;
        // OpenBLAS may round a product of few rows otherwise than one of many; our own tiles do not.
        const double bound = config.gates || config.backbone != "lru" ? 1e-6 : 0;
        EXPECT_LE(max_difference(last.select(0, s).contiguous(), all.select(0, row).contiguous()), bound);
      }
    }
  }
}

// Packing is exact: the batch is the sum of its sequences.
TEST(Model, PackedBatchEqualsOneSequenceAtATime) {
  const data::Dataset data = test::small_demo();
  const auto windows = data::training_windows(data, 6);
  data::PackedBatch all;
  for (const auto& window : windows) data::pack_window(data, window, 6, all);
  LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12, .dropout = 0}, 2, DType::f64);
  const Batch together(all);
  const Variable loss = model.loss({together.items, together.offsets, together.labels});
  loss.backward();
  const auto expected = gradients(model);
  model.zero_grad();

  double total = 0;
  for (const auto& window : windows) {
    data::PackedBatch one;
    data::pack_window(data, window, 6, one);
    const Batch alone(one);
    const double weight = static_cast<double>(one.tokens()) / static_cast<double>(all.tokens());
    const Variable part = model.loss({alone.items, alone.offsets, alone.labels}) * weight;
    part.backward();
    total += part.value().item<double>();
  }
  EXPECT_NEAR(total, loss.value().item<double>(), 1e-12);
  for (const auto& [name, gradient] : gradients(model)) {
    EXPECT_LE(max_difference(gradient, expected.at(name)), 1e-12) << name;
  }
}

TEST(Model, TheOrderOfSequencesInABatchDoesNotMatter) {
  const data::Dataset data = test::small_demo();
  const auto windows = data::training_windows(data, 6);
  LRURec model({.num_items = data.items(), .hidden = 8, .channels = 12, .dropout = 0}, 2, DType::f64);
  const auto run = [&](const auto& order) {
    data::PackedBatch packed;
    for (const auto& window : order) data::pack_window(data, window, 6, packed);
    const Batch batch(packed);
    model.zero_grad();
    const Variable loss = model.loss({batch.items, batch.offsets, batch.labels});
    loss.backward();
    return std::pair(loss.value().item<double>(), gradients(model));
  };
  const auto [loss, expected] = run(windows);
  const auto [reversed_loss, reversed] = run(std::vector(windows.rbegin(), windows.rend()));
  EXPECT_NEAR(reversed_loss, loss, 1e-12);
  for (const auto& [name, gradient] : reversed) {
    EXPECT_LE(max_difference(gradient, expected.at(name)), 1e-12) << name;
  }
}

TEST(Model, AStartTokenLeavesNoTraceInWhatFollows) {
  const LRURec model({.num_items = 9, .hidden = 8, .channels = 12}, 2, DType::f64);
  const auto encode = [&](const std::vector<std::int64_t>& items, const std::vector<std::int64_t>& offsets) {
    return model.encode(Tensor::from(items), Tensor::from(offsets)).value();
  };
  const Tensor with = encode({0, 4, 7}, {0, 1, 3}), without = encode({4, 7}, {0, 2});
  EXPECT_EQ(max_difference(with.slice(0, 1, 3), without), 0);
}

TEST(Model, OuterGeluChangesTheOutputOnlyWhenAskedFor) {
  const Tensor items = Tensor::from(std::vector<std::int64_t>{1, 2}),
               offsets = Tensor::from(std::vector<std::int64_t>{0, 2});
  const LRURec plain({.num_items = 3}, 1), same({.num_items = 3, .outer_gelu = false}, 1),
      outer({.num_items = 3, .outer_gelu = true}, 1);
  EXPECT_EQ(max_difference(plain.encode(items, offsets).value(), same.encode(items, offsets).value()), 0);
  EXPECT_GT(max_difference(plain.encode(items, offsets).value(), outer.encode(items, offsets).value()), 1e-3);
}

TEST(Model, EveryGradientIsTheDerivative) {
  const auto cases = check::check_model_gradients();
  for (const auto& [name, report] : cases) {
    EXPECT_TRUE(report) << report.str(name);
    EXPECT_GT(report.checked, name.starts_with("LRURec") ? 300 : 40) << name;
  }
  EXPECT_EQ(check::check_model_gradients("LRURec").size(), 4 * (8 + backbones().size() - 1));
  for (const ModelInfo* info : models()) {
    const auto of_model = [&](const auto& one) { return one.name.starts_with(info->title + " ("); };
    EXPECT_GE(std::ranges::count_if(cases, of_model), 2) << info->title;
  }
}

// Table 6: what an ablation leaves out is gone completely.
TEST(Model, AblationsLeaveOutWhatTheySay) {
  const auto parameters_with = [](const LRURec& model, const std::string& part) {
    return std::ranges::count_if(model.named_parameters(),
                                 [&](const auto& p) { return p.name.find(part) != std::string::npos; });
  };
  const ModelConfig whole{.num_items = 5, .hidden = 4, .channels = 6};
  EXPECT_EQ(parameters_with(LRURec(whole, 1), "layer_norm"), 2 * (1 + 2 * 2));
  EXPECT_EQ(parameters_with(LRURec(whole, 1), "feed_forward"), 2 * 6);
  ModelConfig config = whole;
  config.layer_norm = false;
  EXPECT_EQ(parameters_with(LRURec(config, 1), "layer_norm"), 0);
  config = whole, config.pffn = false;
  EXPECT_EQ(parameters_with(LRURec(config, 1), "feed_forward"), 0);
  EXPECT_EQ(parameters_with(LRURec(config, 1), "layer_norm"), 2 * (1 + 2));
  // Without norms and residuals, and with nothing from the networks, nothing reaches the output.
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{1, 2, 3}),
               at = Tensor::from(std::vector<std::int64_t>{0, 3});
  for (const bool residual : {true, false}) {
    config = whole, config.layer_norm = false, config.residual = residual;
    LRURec model(config, 1);
    for (auto& p : model.named_parameters()) {
      if (p.name.find("w_2") != std::string::npos)
        p.variable.set_value(Tensor::zeros(p.variable.shape(), DType::f32));
    }
    const Tensor out = model.encode(ids, at).value(), zero = Tensor::zeros(out.shape(), DType::f32);
    EXPECT_EQ(max_difference(out, zero) == 0, !residual);
  }
  for (const ModelInfo* info : models()) {  // the formula beside the parameters
    if (info->name != "lrurec") continue;
    for (const ModelConfig& variant :
         std::vector<ModelConfig>{{.num_items = 5},
                                  {.num_items = 5, .layer_norm = false},
                                  {.num_items = 5, .pffn = false},
                                  {.num_items = 5, .norm_first = true},
                                  {.num_items = 5, .item_norm = true},
                                  {.num_items = 5, .layer_norm = false, .norm_first = true},
                                  {.num_items = 5, .backbone = "gated-lru", .gates = true},
                                  {.num_items = 5, .pffn = false, .gates = true},
                                  {.num_items = 5, .hidden = 20, .network = "swiglu"}}) {
      double numbers = 0;
      for (const auto& p : LRURec(variant, 1).named_parameters()) {
        numbers += static_cast<double>(p.variable.shape().numel()) * (is_complex(p.variable.dtype()) ? 2 : 1);
      }
      EXPECT_EQ(info->real_parameters(variant), numbers);
    }
  }
}

// With the norms first a sublayer adds to its input, and what it adds does not depend on the input's scale.
// One norm comes at the end.
TEST(Model, NormsFirstLeaveThePathThroughTheBlocksAlone) {
  const Tensor at = Tensor::from(std::vector<std::int64_t>{0, 3});
  ModelConfig config{.num_items = 5, .hidden = 8, .channels = 6, .pffn = false, .norm_first = true};
  const auto parameters = LRURec(config, 1).named_parameters();
  EXPECT_EQ(std::ranges::count_if(parameters, [](const auto& p) { return p.name.starts_with("final_"); }), 2);
  nn::Initializer init(1);
  const RecurrentBlock block(config, 0, init);
  const Variable x(test::random_normal({3, 8}, DType::f32, 5));
  const auto added = [&](const Variable& in) {
    return (block.forward(in, IndexTensor(at), {}) - in).value();
  };
  const Tensor once = added(x);
  EXPECT_GT(max_difference(once, Tensor::zeros(once.shape(), DType::f32)), 1e-3);
  EXPECT_LE(max_difference(added(10 * x), once), 1e-5);
  config.pffn = true;
  const LRURec model(config, 1);
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{1, 2, 3});
  for (const Variable& rows : {model.encode(ids, at), model.encode_composed(ids, at)}) {  // weight 1, bias 0
    EXPECT_LE(max_difference(ops::mean(rows, {1}).value(), Tensor::zeros({3}, DType::f32)), 1e-5);
    EXPECT_LE(max_difference(ops::mean(rows * rows, {1}).value(), Tensor::ones({3}, DType::f32)), 1e-3);
  }
}

// With item_norm a row of E ten times as long changes no score; without it, it does. (The first layer norm
// removes the length of the input rows in both.)
TEST(Model, ItemsAreScoredByTheirDirection) {
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{1, 2, 3}),
               at = Tensor::from(std::vector<std::int64_t>{0, 3});
  const auto change_by_length = [&](bool item_norm) {
    const auto scores = [&](double length) {
      LRURec model({.num_items = 5, .hidden = 8, .channels = 6, .item_norm = item_norm}, 1);
      Variable embedding = model.parameter("embedding.weight");
      embedding.set_value(length * test::random_normal(embedding.shape(), DType::f32, 3));
      return model.predict(model.encode(ids, at)).value();
    };
    return max_difference(scores(10), scores(1));
  };
  EXPECT_LE(change_by_length(true), 1e-4);
  EXPECT_GT(change_by_length(false), 1);
  const LRURec model({.num_items = 5, .hidden = 8, .channels = 6, .item_norm = true}, 1);
  const Variable w = model.item_matrix();
  EXPECT_LE(max_difference(ops::mean(w * w, {1}).value(), Tensor::full({6}, 4e-4)), 1e-6)
      << "near E's own 3.1e-4";
  // Sessions, candidates and ranks score by the same matrix.
  const Variable row = model.encode_last(ids, at);
  const auto scores = model.predict(row).value().to_vector<float>();
  const IncrementalModel incremental(model);
  Session session(incremental);
  for (const std::int64_t item : {1, 2, 3}) session.observe(item);
  const auto best = session.recommend(5);
  ASSERT_EQ(best.size(), 5U);
  const Tensor candidates = Tensor::from(std::vector<std::int64_t>{best[0].item}).reshape({1, 1});
  EXPECT_EQ(best[0].item, std::max_element(scores.begin() + 1, scores.end()) - scores.begin());
  EXPECT_NEAR(best[0].score, scores[static_cast<std::size_t>(best[0].item)], 1e-6);
  EXPECT_NEAR(model.score(row.value(), candidates).item<float>(), best[0].score, 1e-6);
  ExclusionList excluded;
  excluded.add(std::vector<std::int32_t>{0});
  const auto ranks =
      model.ranks(row, Tensor::from(std::vector<std::int64_t>{best[0].item}), excluded.classes());
  EXPECT_EQ(ranks.ranks.item<std::int64_t>(), 1);
}

// A gate that is shut lets nothing of its sublayer through, one that is wide open all of it.
TEST(Model, GatesShutAndOpen) {
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{1, 2, 3}),
               at = Tensor::from(std::vector<std::int64_t>{0, 3});
  ModelConfig config{.num_items = 5, .hidden = 8, .channels = 6, .layer_norm = false};
  const LRURec plain(config, 1);
  config.gates = true;
  LRURec gated(config, 1);
  for (auto& p : gated.named_parameters()) {
    if (p.name.find("_gate.") == std::string::npos) p.variable.set_value(plain.parameter(p.name).value());
  }
  const auto out_with_gate_biases = [&](double bias) {
    for (auto& p : gated.named_parameters()) {
      if (p.name.find("_gate.") == std::string::npos) continue;
      p.variable.set_value(Tensor::full(p.variable.shape(), p.name.ends_with("bias") ? bias : 0, DType::f32));
    }
    return gated.encode(ids, at).value();
  };
  EXPECT_LE(max_difference(out_with_gate_biases(40), plain.encode(ids, at).value()), 1e-6);
  const Tensor embedded = ops::raw::embedding(plain.item_matrix().value(), ids);
  EXPECT_LE(max_difference(out_with_gate_biases(-80), embedded), 1e-6);
}

// The second dropout rate, of the recurrence's output alone, follows the first unless it is set.
TEST(Model, TwoDropoutRates) {
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{1, 2, 3}),
               at = Tensor::from(std::vector<std::int64_t>{0, 3});
  const auto out = [&](double dropout, double lru_dropout) {
    const LRURec model(
        {.num_items = 5, .hidden = 16, .channels = 8, .dropout = dropout, .lru_dropout = lru_dropout}, 1);
    return model.encode(ids, at, {true, 1, 7}).value();
  };
  EXPECT_EQ(max_difference(out(0.4, -1), out(0.4, 0.4)), 0);
  EXPECT_GT(max_difference(out(0.4, -1), out(0.4, 0)), 0);
  EXPECT_GT(max_difference(out(0, 0.4), out(0, 0)), 0);
}

TEST(Model, EigenvaluesBeginInTheRingThatIsSet) {
  const LRURec model({.num_items = 5, .hidden = 8, .channels = 200, .ring_min = 0.2, .ring_max = 0.3}, 1);
  const auto blocks = model.eigenvalues();
  ASSERT_EQ(blocks.size(), 2U);
  for (const Tensor& lambda : blocks) {
    for (const auto& z : lambda.to_vector<std::complex<double>>()) {
      EXPECT_GE(std::abs(z), 0.2 - 1e-6);
      EXPECT_LE(std::abs(z), 0.3 + 1e-6);
    }
  }
}

TEST(Parity, TheFixtureOfTheReferenceHolds) {
  for (const DType precision : {DType::f32, DType::f64}) {
    const auto report = check::check_parity(fixture, precision);
    EXPECT_EQ(report.lines.size(), 32u);
    for (const auto& line : report.lines) EXPECT_TRUE(line.ok()) << line.name << ": " << line.difference;
    if (precision != DType::f64) continue;
    // What is left in double precision is the fixture's own rounding to float32.
    for (const auto& line : report.lines) EXPECT_LE(line.difference, 3e-7) << line.name;
  }
}

TEST(Parity, TheLossAgreesInDoublePrecision) {
  const auto file = nn::read_safetensors(fixture);
  LRURec model(config_of_fixture(file, "fixture"), 0, DType::f64);
  load_published(file, "weights.", model);
  // Row 3 of the batch: two items, so a labelled start token and one item.
  const auto input = file.tensors.at("input"), labels = file.tensors.at("labels");
  std::vector<std::int64_t> items, targets, offsets{0};
  for (std::int64_t row = 0; row < input.size(0); ++row) {
    const auto ids = input.select(0, row).to_vector<std::int64_t>(),
               wanted = labels.select(0, row).to_vector<std::int64_t>();
    for (std::size_t t = 0; t < ids.size(); ++t) {
      if (wanted[t] == 0) continue;
      items.push_back(ids[t]);
      targets.push_back(wanted[t]);
      if (ids[t] == 0) offsets.push_back(std::ssize(items));
    }
    if (offsets.back() != std::ssize(items)) offsets.push_back(std::ssize(items));
  }
  const double loss =
      model.loss({Tensor::from(items), Tensor::from(offsets), Tensor::from(targets)}).value().item<double>();
  EXPECT_NEAR(loss, std::stod(file.metadata.at("loss_f64")), 1e-13);
}

TEST(Parity, OneChangedNumberIsNoticed) {
  const test::TemporaryFolder folder;
  const auto original = nn::read_safetensors(fixture);
  for (const std::string name :
       {"logits", "loss", "grads.model.bias", "weights.model.lru_blocks.0.lru_layer.params_log",
        "grads.model.lru_blocks.1.lru_layer.in_proj.weight"}) {
    auto changed = original;
    const Tensor tensor = changed.tensors.at(name).clone();
    const Tensor parts = is_complex(tensor.dtype()) ? tensor.view_as_real() : tensor;
    parts.data<float>()[parts.numel() / 2] += 0.01F;
    changed.tensors[name] = tensor;
    nn::write_safetensors(folder / "changed", changed);
    EXPECT_FALSE(check::check_parity(folder / "changed").ok()) << name;
  }
  auto nan = original;
  nan.tensors["logits"] = nan.tensors["logits"].clone();
  nan.tensors["logits"].data<float>()[3] = NAN;
  nn::write_safetensors(folder / "nan", nan);
  EXPECT_FALSE(check::check_parity(folder / "nan").ok());
}

TEST(Parity, AFileThatIsNoFixtureIsAFileError) {
  const test::TemporaryFolder folder;
  auto file = nn::read_safetensors(fixture);
  const auto refused = [&](const char* message) {
    nn::write_safetensors(folder / "x", file);
    expect_error(ErrorKind::file, message, [&] { check::check_parity(folder / "x"); });
  };
  const auto original = file;
  file.tensors.erase("weights.model.bias");
  refused("'weights.model.bias' is missing");
  file = original;
  file.tensors["weights.model.bias"] = Tensor::zeros({3}, DType::f32);
  refused("is f32 [3], the model needs f32 [12]");
  file = original;
  file.tensors["weights.extra"] = Tensor::zeros({3}, DType::f32);
  refused("'weights.extra' is not part of a model");
  file = original;
  file.metadata.erase("hidden");
  refused("lack 'hidden'");
  file = original;
  file.metadata["hidden"] = "many";
  refused("is not a number");
}

TEST(Published, WeightsGoOutAndComeBack) {
  const LRURec model({.num_items = 7, .hidden = 4, .channels = 8}, 1);
  nn::Safetensors file;
  for (const auto& [name, tensor] : to_published(model)) file.tensors["weights." + name] = tensor;
  LRURec other({.num_items = 7, .hidden = 4, .channels = 8}, 2);
  load_published(file, "weights.", other);
  for (const auto& p : model.named_parameters()) {
    EXPECT_EQ(max_difference(p.variable.value(), other.parameter(p.name).value()), 0) << p.name;
  }
}

}  // namespace
}  // namespace lrurec::model
