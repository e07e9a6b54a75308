#include "lrurec/config/config.h"

#include "lrurec/util/suggest.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::config {
namespace {

using test::expect_error;

TEST(Config, PresetsAreThePapers) {
  EXPECT_EQ(preset("ml-1m").max_length, 200);
  EXPECT_EQ(preset("ml-1m").dropout, 0.2);
  EXPECT_EQ(preset("ml-1m").validate_every, 500);
  EXPECT_EQ(preset("beauty").dropout, 0.6);
  EXPECT_EQ(preset("steam").validate_every, 2000);
  EXPECT_EQ(preset("xlong").batch_size, 32);
  EXPECT_EQ(preset("xlong").negatives, 100);
  EXPECT_FALSE(preset("xlong").negatives_shared) << "they do not reach the items of a large catalogue";
  EXPECT_EQ(preset("xlong").eval_negatives, 10000);
  EXPECT_EQ(preset("ml-1m").negatives, 0) << "the full softmax";
  EXPECT_EQ(preset("ml-1m").eval_negatives, 0) << "the full ranking";
  for (const char* name : {"ml-1m", "beauty", "video", "sports", "steam", "xlong"}) {
    const TrainConfig config = preset(name);
    EXPECT_EQ(config.preset, name);
    EXPECT_EQ(config.weight_decay, 1e-2);
    EXPECT_EQ(config.adam_eps, 1e-9);
    EXPECT_EQ(config.clip_norm, 5);
    EXPECT_EQ(config.max_epochs, 500);
    EXPECT_EQ(config.patience, 10);
  }
  EXPECT_EQ(preset("beauty", "gru4rec").dropout, 0.4);
  EXPECT_EQ(preset("beauty", "mf").weight_decay, 0.1) << "a model may have its own";
  expect_error(ErrorKind::usage, "unknown preset 'beuaty'; did you mean 'beauty'?", [] { preset("beuaty"); });
}

TEST(Config, TomlRoundTripOfEverySetting) {
  for (const auto& name : preset_names()) {
    TrainConfig config = preset(name);
    config.seed = 77;
    config.lr_final_share = 1;
    config.learning_rate = 1e-7;
    config.outer_gelu = true;
    TrainConfig back;
    parse_toml(back, to_toml(config), "config.toml");
    EXPECT_EQ(back, config) << to_toml(config);
  }
}

TEST(Config, APresetInTheFileComesBeforeItsOtherKeys) {
  TrainConfig config;
  parse_toml(config, "dropout = 0.5\npreset = \"video\"\n", "c.toml");
  EXPECT_EQ(config.dropout, 0.5);
  EXPECT_EQ(config.max_length, 50);
}

TEST(Config, TheCommandLinesPresetAndModelComeBeforeTheFiles) {
  TrainConfig config;
  parse_toml(config, "dropout = 0.5\npreset = \"video\"\nmodel = \"gru4rec\"\n", "c.toml",
             {"beauty", "sasrec"});
  TrainConfig wanted = preset("beauty", "sasrec");
  wanted.dropout = 0.5;
  EXPECT_EQ(config, wanted);
  expect_error(ErrorKind::usage, "c.toml:1: unknown preset 'vidio'", [&] {
    parse_toml(config, "preset = \"vidio\"\n", "c.toml", {"beauty", ""});
  });
}

TEST(Config, ASavedConfigurationTakesNothingFromItsPreset) {
  TrainConfig config = preset("demo");
  parse_saved(config, "preset = \"xlong\"\nbatch_size = 32\n", "run");
  EXPECT_EQ(config.preset, "xlong");
  EXPECT_EQ(config.batch_size, 32);
  EXPECT_EQ(config.max_length, TrainConfig{}.max_length);
  parse_saved(config, "model = \"bert4rec\"\npreset = \"ml-1m\"\n",
              "run of before its presets counted from the end");
  EXPECT_EQ(config.positions_from, "start");
  EXPECT_EQ(preset("ml-1m", "bert4rec").positions_from, "end");
  EXPECT_EQ(preset("ml-1m", "sasrec").positions_from, "start");
  for (const auto& name : preset_names()) {
    parse_saved(config, to_toml(preset(name)), "run");
    EXPECT_EQ(config, preset(name));
  }
  expect_error(ErrorKind::usage, "unknown key 'sead'", [&] { parse_saved(config, "sead = 1", "run"); });
}

TEST(Config, MistakesNameFileLineAndRemedy) {
  const auto refused = [](const std::string& text, const std::string& message) {
    TrainConfig config;
    expect_error(ErrorKind::usage, message, [&] { parse_toml(config, text, "c.toml"); });
  };
  refused("seed = 1\nbatchsize = 4\n", "c.toml:2: unknown key 'batchsize'; did you mean 'batch_size'?");
  refused("learning_rate = 10000000000000001", "learning_rate = 1e+16 must be in 0..1000000000000000");
  refused("hidden = 1.5", "c.toml:1: hidden needs a whole number");
  refused("dropout = \"much\"", "c.toml:1: dropout needs a number");
  refused("dropout = 1.5", "c.toml:1: dropout = 1.5 must be in 0..0.999999");
  refused("dropout = nan", "must be in 0..0.999999");
  refused("dropout = 1", "dropout = 1 must be in 0..0.999999");
  refused("weight_decay = 1e35", "weight_decay = 1e+35 must be in 0..1000000000000000");
  refused("batch_size = 0", "c.toml:1: batch_size = 0 must be in 1..");
  refused("outer_gelu = 1", "needs true or false");
  refused("label_smoothing = 1", "label_smoothing = 1 must be in 0..0.99");
  refused("seed = = 1", "c.toml:1:8");
  refused("preset = \"none\"", "c.toml:1: unknown preset 'none'");
  TrainConfig config;
  expect_error(ErrorKind::io, "cannot read the configuration file",
               [&] { read_toml(config, "/nowhere/c.toml"); });
  expect_error(ErrorKind::io, "cannot read the configuration file", [&] { read_toml(config, "/tmp"); });
  config.label_smoothing = 0.1;
  check_together(config);
  config.negatives = 5;
  expect_error(ErrorKind::usage, "label_smoothing = 0.1 needs all items, not 5 negatives",
               [&] { check_together(config); });
}

TEST(Config, TheRingHasAnOuterRadiusThatIsNotBelowTheInner) {
  TrainConfig config;
  config.ring_min = config.ring_max = 0.9;
  check_together(config);
  config.ring_min = 0.95;
  expect_error(ErrorKind::usage, "ring_min = 0.95 is above ring_max = 0.9; change --ring-min or --ring-max",
               [&] { check_together(config); });
}

// Regression: any negative rate was taken for -1.
TEST(Config, ARateOfTheRecurrenceIsARateOrMinusOne) {
  TrainConfig config;
  for (const char* good : {"-1", "0", "0.999999"}) set(config, "lru_dropout", good, "--lru-dropout");
  for (const char* bad : {"-0.5", "-2", "1", "nan"}) {
    expect_error(ErrorKind::usage,
                 "lru_dropout = ", [&] { set(config, "lru_dropout", bad, "--lru-dropout"); });
  }
  expect_error(ErrorKind::usage, "c.toml:1: lru_dropout = -0.5 must be -1 (as dropout) or in 0..0.999999",
               [&] { parse_toml(config, "lru_dropout = -0.5", "c.toml"); });
  EXPECT_NO_THROW(parse_saved(config, "lru_dropout = -0.5", "an earlier run"));
}

TEST(Config, FlagsAreTheSameSettings) {
  TrainConfig config;
  set(config, "batch_size", "32", "--batch-size");
  set(config, "learning_rate", "1e-4", "--learning-rate");
  EXPECT_EQ(config.batch_size, 32);
  EXPECT_EQ(config.learning_rate, 1e-4);
  expect_error(ErrorKind::usage, "--batch-size: batch_size needs a whole number, not 'many'",
               [&] { set(config, "batch_size", "many", "--batch-size"); });
  expect_error(ErrorKind::usage, "not '1e400'",
               [&] { set(config, "learning_rate", "1e400", "--learning-rate"); });
}

TEST(Config, DifferencesLeaveOutWhatAResumedRunMayChange) {
  TrainConfig a, b;
  b.max_steps = 10;
  b.threads = 1;
  EXPECT_TRUE(differences(a, b).empty());
  b.dropout = 0.3;
  b.seed = 2;
  EXPECT_EQ(differences(a, b), (std::vector<std::string>{"seed", "dropout"}));
}

TEST(Suggest, FindsTheNearestWord) {
  EXPECT_EQ(util::edit_distance("abc", "abc"), 0u);
  EXPECT_EQ(util::edit_distance("abc", "acb"), 1u);
  EXPECT_EQ(util::edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(util::edit_distance("", "abc"), 3u);
  EXPECT_EQ(util::suggestion("--epcohs", {"--seed", "--epochs"}), "; did you mean '--epochs'?");
  EXPECT_EQ(util::suggestion("--epcohs", {"--seed", "--max-epochs"}), "; did you mean '--max-epochs'?");
  EXPECT_EQ(util::suggestion("decay", {"weight_decay", "seed"}), "; did you mean 'weight_decay'?");
  EXPECT_EQ(util::suggestion("zzz", {"seed"}), "");
  EXPECT_EQ(util::suggestion("GRU4Rec", {"gru4rec", "narm"}), "; did you mean 'gru4rec'?");
  EXPECT_EQ(util::suggestion("MF", {"mf", "fism"}), "; did you mean 'mf'?");
  EXPECT_EQ(util::suggestion("gru", {"gru4rec", "narm"}), "; did you mean 'gru4rec'?");
  EXPECT_EQ(util::choices("sasrek", {"sasrec", "mf"}), "; did you mean 'sasrec'? There are sasrec, mf");
  EXPECT_EQ(util::choices("zzz", {"sasrec", "mf"}), "; there are sasrec, mf");
}

}  // namespace
}  // namespace lrurec::config
