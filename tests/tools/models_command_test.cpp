// The command with every model of the table.

#include <nlohmann/json.hpp>
#include <sstream>

#include "lrurec/model/models.h"
#include "tests/support/files.h"

namespace lrurec {
namespace {

using nlohmann::json;
using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;

const std::string small_training =
    " -q --hidden 8 --max-length 6 --batch-size 16 --validate-every 5 --max-steps 10 --learning-rate 0.01";

void make_data(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
}

class ModelsCommand : public testing::TestWithParam<std::string> {
 protected:
  const model::ModelInfo& info() const { return model::find_model(GetParam()); }
};

TEST_P(ModelsCommand, DoesEverything) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string train = "train d.lrd --model " + GetParam() + small_training;
  const auto trained = run_lrurec(folder, train + " -o run --json");
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json told = json::parse(trained.out);
  EXPECT_EQ(told["steps"], 10);
  EXPECT_EQ(told.contains("mean_abs_lambda"), GetParam() == "lrurec");

  const auto evaluated = run_lrurec(folder, "evaluate run --json");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const json metrics = json::parse(evaluated.out)["metrics"];
  ASSERT_TRUE(metrics.contains(info().title)) << evaluated.out;
  const auto sampled = run_lrurec(folder, "evaluate run --eval-negatives 10 --json");
  EXPECT_EQ(sampled.code, 0) << sampled.err;

  // A training that was cut in two ends at the same bits.
  ASSERT_EQ(run_lrurec(folder, train + " -o halves --max-steps 5").code, 0);
  const auto resumed = run_lrurec(folder, train + " -o halves --resume");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  for (const char* run : {"run", "halves"}) {
    const auto exported =
        run_lrurec(folder, std::string("export ") + run + " --checkpoint last -o " + run + ".st");
    ASSERT_EQ(exported.code, 0) << exported.err;
  }
  EXPECT_EQ(test::read_bytes(folder / "run.st"), test::read_bytes(folder / "halves.st"));

  // Out and in again.
  ASSERT_EQ(run_lrurec(folder, "export run -o best.st").code, 0);
  const auto imported = run_lrurec(folder, "import best.st --data d.lrd -o back");
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(json::parse(run_lrurec(folder, "evaluate back --json").out)["metrics"], metrics);

  const auto user = run_lrurec(folder, "recommend run --user u1 -k 3 --json");
  ASSERT_EQ(user.code, 0) << user.err;
  EXPECT_EQ(json::parse(user.out)["items"].size(), 3U);
  const auto items = run_lrurec(folder, "recommend run --items i1,i2 -k 3 --json");
  EXPECT_EQ(items.code, info().needs_users ? 3 : 0) << items.out << items.err;
  const auto session = run_shell(
      folder, "echo '{\"user\": \"u1\", \"item\": \"i2\"}' | " + test::command_path() + " session run -k 3");
  EXPECT_EQ(session.code, info().has_state ? 0 : 2) << session.err;
  if (info().has_state) {
    EXPECT_EQ(json::parse(session.out)["items"].size(), 3U);
  }

  const auto memory = run_lrurec(folder, "inspect memory run --user u1 --json");
  ASSERT_EQ(memory.code, 0) << memory.err;
  const json best = json::parse(user.out)["items"][0], seen = json::parse(memory.out);
  EXPECT_EQ(seen["candidate"], best["item"]);
  EXPECT_NEAR(seen["score"].get<double>(), best["score"].get<double>(), 1e-5);

  EXPECT_EQ(run_lrurec(folder, "inspect summary run").code, 0);
  EXPECT_EQ(run_lrurec(folder, "inspect eigen run").code, GetParam() == "lrurec" ? 0 : 2);
  EXPECT_EQ(run_lrurec(folder, "report run -o page.html").code, 0);
  EXPECT_EQ(run_lrurec(folder, "bench train d.lrd --steps 1 --warmup 1 --hidden 8 --batch-size 8 --model " +
                                   GetParam())
                .code,
            0);
  EXPECT_EQ(run_lrurec(folder, train + " --dry-run -o dry").code, 0);
}

INSTANTIATE_TEST_SUITE_P(All, ModelsCommand, testing::ValuesIn(model::model_names()), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

TEST(ModelsCommand, SessionsGiveTheScoresOfAFullPass) {
  const TemporaryFolder folder;
  make_data(folder);
  for (const std::string model : {"gru4rec", "fpmc"}) {
    ASSERT_EQ(run_lrurec(folder, "train d.lrd --model " + model + small_training + " -o " + model).code, 0);
    const auto session = run_shell(folder, "printf 'i1\\ni5\\ni9\\n' | " + test::command_path() +
                                               " session " + model + " -k 5 | tail -n 1");
    const auto whole = run_lrurec(folder, "recommend " + model + " --items i1,i5,i9 -k 5 --json");
    const json a = json::parse(session.out)["items"], b = json::parse(whole.out)["items"];
    ASSERT_EQ(a.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(a[i]["item"], b[i]["item"]) << model;
      EXPECT_NEAR(a[i]["score"].get<double>(), b[i]["score"].get<double>(), 1e-5) << model;
    }
  }
}

TEST(ModelsCommand, ASessionKnowsWhichUserItIs) {
  const TemporaryFolder folder;
  make_data(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd --model fpmc" + small_training + " -o run").code, 0);
  ASSERT_EQ(run_lrurec(folder, "data write d.lrd --format inter -o d.inter").code, 0);
  std::istringstream rows(test::read_text(folder / "d.inter"));
  std::string user, item, rest, events;
  std::getline(rows, rest);
  for (std::string line; std::getline(rows, line);) {
    std::istringstream(line) >> user >> item;
    if (user == "u3") events += "{\"user\": \"u3\", \"item\": \"" + item + "\", \"k\": 5}\n";
  }
  test::write_text(folder / "events", events);
  const auto whole = json::parse(run_lrurec(folder, "recommend run --user u3 -k 5 --json").out)["items"];
  const auto expect_whole = [&](const std::string& command) {
    const auto said = run_shell(folder, command);
    ASSERT_EQ(said.code, 0) << said.err;
    const std::string last = said.out.substr(said.out.rfind('\n', said.out.size() - 2) + 1);
    const auto items = json::parse(last)["items"];
    ASSERT_EQ(items.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(items[i]["item"], whole[i]["item"]) << command;
      EXPECT_NEAR(items[i]["score"].get<double>(), whole[i]["score"].get<double>(), 1e-5);
    }
  };
  const std::string session = test::command_path() + " session run ";
  expect_whole(session + "< events");
  expect_whole("head -n 3 events | " + session + "--state s && tail -n +4 events | " + session + "--state s");
}

TEST(ModelsCommand, TwoModelsAreCompared) {
  const TemporaryFolder folder;
  make_data(folder);
  for (const std::string model : {"gru4rec", "sasrec"}) {
    ASSERT_EQ(run_lrurec(folder, "train d.lrd --model " + model + small_training + " -o " + model).code, 0);
  }
  const auto compared = run_lrurec(folder, "compare gru4rec sasrec --json");
  ASSERT_EQ(compared.code, 0) << compared.err;
  EXPECT_NE(compared.out.find("gru4rec"), std::string::npos);
  EXPECT_EQ(run_lrurec(folder, "report gru4rec sasrec").out, "report.html\n");
  EXPECT_NE(test::read_text(folder / "report.html").find("sasrec"), std::string::npos);
}

TEST(ModelsCommand, RefusesWhatDoesNotBelongTogether) {
  const TemporaryFolder folder;
  make_data(folder);
  const auto refused = [&](const std::string& command, int code, const std::string& why) {
    const auto result = run_lrurec(folder, command);
    EXPECT_EQ(result.code, code) << command;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  };
  refused("train d.lrd -o r --model sasrek", 2, "did you mean 'sasrec'?");
  refused("train d.lrd -o r --model ''", 2, "--model: needs a name");
  refused("train d.lrd -o r --model gru4rec --heads 4", 2,
          "gru4rec has no setting heads (sasrec, bert4rec have it); leave it out");
  refused("train d.lrd -o r --model sasrec --positions-from middle", 2,
          "places are counted from the start or from the end of a history, not from 'middle'");
  refused("train d.lrd -o r --model sasrec --heads 3", 2,
          "hidden = 64 is no multiple of heads = 3; change --heads or --hidden");
  refused("train d.lrd -o r --model bert4rec --max-length 1", 2,
          "max_length = 1 leaves BERT4Rec no item beside the mask");
  refused("train d.lrd -o r --backbone rwkv --channels 64", 2,
          "--channels: the backbone rwkv has no channels; lru and gated-lru have them");
  refused("train d.lrd -o r --network swiglo", 2, "did you mean 'swiglu'?");
  test::write_text(folder / "s.toml", "model = \"mf\"\nmax_steps = 3\ndropout = 0.5\n");
  refused("train d.lrd -o r --config s.toml", 2, "s.toml:3: mf has no setting dropout");
  test::write_text(folder / "s.toml", "model = \"nothing\"\n");
  refused("train d.lrd -o r --config s.toml", 2, "s.toml:1: unknown model 'nothing'");

  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o r --model gru4rec" + small_training).code, 0);
  refused("bench incremental r --model sasrec", 2, "r has a model of its own");
  refused("evaluate d.lrd", 5, "d.lrd is a file; name the folder of a run");
  refused("train d.lrd -o r -q --model lrurec --resume", 4, "a resumed run cannot change model");
  ASSERT_EQ(run_lrurec(folder, "export r -o r.st").code, 0);
  refused("export r --names published -o p.st", 2, "published names are those of LRURec");
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o other.lrd --demo-users 60 --demo-items 36 --demo-length 8").code,
      0);
  refused("import r.st --data other.lrd -o r2", 4, "the weights are for 40 items");
}

TEST(ModelsCommand, TheTableListsThem) {
  const TemporaryFolder folder;
  const auto text = run_lrurec(folder, "config models");
  const json all = json::parse(run_lrurec(folder, "config models --json").out);
  ASSERT_EQ(all.size(), model::models().size());
  for (const auto& one : all) {
    EXPECT_NE(text.out.find(one["what"].get<std::string>()), std::string::npos);
    EXPECT_FALSE(one["paper"].get<std::string>().empty());
  }
  const auto shown = run_lrurec(folder, "config show --model fism --preset beauty");
  EXPECT_NE(shown.out.find("alpha = "), std::string::npos);
  EXPECT_EQ(shown.out.find("channels"), std::string::npos) << "of another model";
  EXPECT_NE(run_lrurec(folder, "config show --model bert4rec --preset beauty --origin")
                .out.find("preset beauty of bert4rec"),
            std::string::npos);
}

}  // namespace
}  // namespace lrurec
