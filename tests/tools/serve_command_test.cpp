// recommend, session, compare and evaluate's options, as a user meets them.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::make_run;
using test::read_text;
using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;
using test::write_text;

std::vector<nlohmann::json> lines(const std::string& text) {
  std::vector<nlohmann::json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

TEST(ServeCommand, RecommendsForUsersItemsAndBatches) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto user = run_lrurec(folder, "recommend run --user u3 -k 4 --json");
  ASSERT_EQ(user.code, 0) << user.err;
  const auto of_user = nlohmann::json::parse(user.out);
  EXPECT_EQ(of_user["items"].size(), 4U);

  const auto items =
      run_lrurec(folder, "recommend run --items i3,nope,i5 -k 3 --exclude-seen --exclude i7 --json");
  ASSERT_EQ(items.code, 0) << items.err;
  EXPECT_NE(items.err.find("left out: nope"), std::string::npos) << items.err;
  const auto of_items = nlohmann::json::parse(items.out);
  EXPECT_EQ(of_items["unknown"], nlohmann::json::array({"nope"}));
  for (const auto& item : of_items["items"]) {
    for (const char* out : {"i3", "i5", "i7"}) EXPECT_NE(item["item"], out);
  }

  write_text(folder / "requests",
             "{\"user\": \"u3\", \"k\": 4, \"id\": [1]}\n\n{\"items\": [\"i3\", \"i5\"]}\n{\"itms\": []}\nx\n"
             "{\"user\": \"nobody\"}\n{\"items\": [], \"k\": 2}\n");
  const auto batch = run_lrurec(folder, "recommend run --batch requests -k 2");
  EXPECT_EQ(batch.code, 3);
  EXPECT_NE(batch.err.find("requests: 3 requests have no answer"), std::string::npos) << batch.err;
  const auto answers = lines(batch.out);
  ASSERT_EQ(answers.size(), 6U);
  EXPECT_EQ(answers[0]["items"], of_user["items"]) << "one scoring path";
  EXPECT_EQ(answers[0]["id"], nlohmann::json::array({1}));
  EXPECT_EQ(answers[1]["items"].size(), 2U);
  EXPECT_EQ(answers[2]["error"],
            "line 4: the request has an unknown key \"itms\"; there are \"id\", \"user\", \"items\", \"k\", "
            "\"exclude\" (--ignore-unknown leaves out others)");
  EXPECT_EQ(answers[3]["error"], "line 5: the request is not JSON");
  EXPECT_NE(answers[4]["error"].get<std::string>().find("user 'nobody' is not in the data set"),
            std::string::npos);
  EXPECT_EQ(answers[5]["items"].size(), 2U) << "nothing known yet";

  EXPECT_EQ(run_lrurec(folder, "recommend run").code, 2);
  EXPECT_EQ(run_lrurec(folder, "recommend run --user u1 --items i1").code, 2);
  EXPECT_EQ(run_lrurec(folder, "recommend run --user nobody").code, 3);
  EXPECT_EQ(run_lrurec(folder, "recommend run --items nope").code, 3);
  EXPECT_EQ(run_lrurec(folder, "recommend run --batch nothing").code, 5);
  EXPECT_EQ(run_lrurec(folder, "recommend nowhere --user u1").code, 5);
}

TEST(ServeCommand, UntilATargetItStandsWhereTheEvaluationRanksIt) {
  const TemporaryFolder folder;
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "data write d.lrd --format inter -o d.inter").code, 0);
  std::map<std::string, std::vector<std::string>> sequences;
  std::istringstream rows(test::read_text(folder / "d.inter"));
  std::string line, user, item;
  std::getline(rows, line);
  while (std::getline(rows, line)) {
    std::istringstream(line) >> user >> item;
    sequences[user].push_back(item);
  }
  for (const std::string split : {"test", "val"}) {
    ASSERT_EQ(
        run_lrurec(folder, "evaluate run --mask all --split " + split + " --per-user " + split + ".csv").code,
        0);
    std::istringstream ranks(test::read_text(folder / (split + ".csv")));
    std::getline(ranks, line);
    std::istringstream header(line);
    std::size_t column = 0;
    for (std::string name; std::getline(header, name, ',') && name != "rank_LRURec";) ++column;
    int users = 0;
    while (std::getline(ranks, line) && users < 8) {
      std::vector<std::string> cells;
      std::istringstream cell(line);
      for (std::string text; std::getline(cell, text, ',');) cells.push_back(text);
      const auto& own = sequences.at(cells[0]);
      const auto& target = own[own.size() - (split == "test" ? 1 : 2)];
      const auto asked =
          run_lrurec(folder, "recommend run --until " + split + " -k 40 --json --user " + cells[0]);
      ASSERT_EQ(asked.code, 0) << asked.err;
      const auto items = nlohmann::json::parse(asked.out)["items"];
      std::size_t place = 0;
      while (place < items.size() && items[place]["item"] != target) ++place;
      EXPECT_EQ(std::to_string(place + 1), cells.at(column)) << split << ' ' << line;
      ++users;
    }
    EXPECT_EQ(users, 8);
  }
}

TEST(ServeCommand, ASessionStoppedAndContinuedIsARecommendation) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "first",
             "{\"user\": \"a\", \"item\": \"i3\"}\ni9\n{\"user\": \"a\", \"item\": \"nope\"}\n");
  write_text(folder / "second", "{\"user\": \"a\", \"item\": \"i5\", \"k\": 3}\n{broken\n");
  const std::string command = "session run --state states --exclude-seen -k 2 < ";
  const auto first = run_lrurec(folder, command + "first");
  EXPECT_EQ(first.code, 3);
  const auto before = lines(first.out);
  ASSERT_EQ(before.size(), 3U);
  EXPECT_EQ(before[0]["items"].size(), 2U);
  EXPECT_FALSE(before[1].contains("user"));
  EXPECT_EQ(before[2]["events"], 1) << "an unknown item changes nothing";

  const auto second = run_lrurec(folder, command + "second");
  const auto after = lines(second.out);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0]["events"], 2);
  EXPECT_EQ(after[1]["error"], "this is not JSON");
  const auto direct =
      nlohmann::json::parse(run_lrurec(folder, "recommend run --items i3,i5 -k 3 --exclude-seen --json").out);
  EXPECT_EQ(after[0]["items"], direct["items"]);

  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o other --seed 2" + test::tiny_training).code, 0);
  const auto other = run_lrurec(folder, "session other --state states < second");
  EXPECT_EQ(other.code, 4);
  EXPECT_NE(other.err.find("other weights"), std::string::npos) << other.err;
}

// An answer comes while the stream is still open, and lines that came at once are answered in their order.
TEST(ServeCommand, ASessionAnswersEachEventAtOnce) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "talk.sh", "mkfifo in out\n" + test::command_path() + R"( session run -k 1 < in > out &
exec 3> in 4< out
for i in 1 2 3; do
  echo '{"user": "a", "item": "i'$i'"}' >&3
  read -r answer <&4
  echo "$answer"
done
printf '{"user": "a", "item": "i4"}\n{"user": "b", "item": "i4"}\ni5\n{"user": "a", "item": "i5"}\n' >&3
exec 3>&-
cat <&4
wait $!
)");
  const auto result = run_shell(folder, "timeout 60 sh talk.sh");
  EXPECT_EQ(result.code, 0) << result.err;
  const auto answers = lines(result.out);
  ASSERT_EQ(answers.size(), 7U) << result.out;
  const std::vector<std::int64_t> events{1, 2, 3, 4, 1, 1, 5};
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(answers[i]["events"], events[i]) << i;
  EXPECT_EQ(answers[4]["user"], "b");
}

// A client that keeps asking need not wait for an end either. Regression: a stream that never rests was
// answered only at 1,024 requests.
TEST(ServeCommand, ABatchAnswersWhileItIsAsked) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "ask.sh", "mkfifo in\n" + test::command_path() +
                                    R"( recommend run -k 1 --batch - < in > out &
exec 3> in
echo '{"user": "u1"}' >&3
)" + test::wait_until("[ -s out ]") +
                                    R"(
first=$(wc -c < out)
asked=0
until [ $asked = 100 ] || [ $(wc -c < out) -gt $first ]; do
  echo '{"user": "u2"}' >&3
  asked=$((asked + 1))
  sleep .05
done
exec 3>&-
wait $!
echo $asked
)");
  const auto result = run_shell(folder, "timeout 60 sh ask.sh");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_LT(std::stoi(result.out), 100) << "no answer before the end";
}

TEST(ServeCommand, ABatchWhoseReaderIsGoneEndsLikeAnyProgram) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "requests", "{\"user\": \"u1\"}\n");
  const std::string batch = test::command_path() + " recommend run --batch requests";
  EXPECT_EQ(test::run_without_a_reader(folder, batch).code, 141);
}

// Regression: only a table's header was printed.
TEST(ServeCommand, NothingLeftToRecommendIsSaid) {
  const TemporaryFolder folder;
  write_text(folder / "few.txt", "1 1\n1 2\n1 3\n2 1\n2 2\n2 3\n");
  ASSERT_EQ(run_lrurec(folder, "prepare few.txt -o few.lrd").code, 0);
  ASSERT_EQ(run_lrurec(folder, "train few.lrd -o few" + test::tiny_training).code, 0);
  const auto all_seen = run_lrurec(folder, "recommend few --user 1");
  EXPECT_EQ(all_seen.code, 0);
  EXPECT_NE(all_seen.err.find("no item is left to recommend: each is one of those seen, or excluded"),
            std::string::npos)
      << all_seen.err;
  EXPECT_EQ(run_lrurec(folder, "recommend few --user 1 --include-seen").err, "");
}

// Regression: a batch gave back the number, a session its text.
TEST(ServeCommand, ANumberIsAnIdLikeItsText) {
  const TemporaryFolder folder;
  write_text(folder / "few.txt", "7 1\n7 2\n7 3\n8 4\n8 1\n8 2\n");
  ASSERT_EQ(run_lrurec(folder, "prepare few.txt -o few.lrd").code, 0);
  ASSERT_EQ(run_lrurec(folder, "train few.lrd -o few" + test::tiny_training).code, 0);
  write_text(folder / "requests", "{\"user\": 7, \"k\": 1}\n");
  EXPECT_EQ(nlohmann::json::parse(run_lrurec(folder, "recommend few --batch requests").out)["user"], "7");
  write_text(folder / "events", "{\"user\": 7, \"item\": 1}\n");
  const auto session = test::run_shell(folder, test::command_path() + " session few < events");
  EXPECT_EQ(nlohmann::json::parse(session.out)["user"], "7") << session.err;
}

TEST(ServeCommand, BlanksAroundIdsAndAByteOrderMarkAreNoPartOfThem) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "requests", "{\"items\": [\"i3\"], \"k\": 40}\n");
  const auto batch = lines(run_lrurec(folder, "recommend run --batch requests --exclude 'i5, i7'").out).at(0);
  EXPECT_EQ(batch["items"].size(), 37U) << batch;
  EXPECT_FALSE(batch.contains("unknown")) << batch;
  const auto memory = run_lrurec(folder, "inspect memory run --items 'i3, i5' --json");
  EXPECT_EQ(nlohmann::json::parse(memory.out)["items"].size(), 2U) << memory.err;
  write_text(folder / "events", "\xEF\xBB\xBFi3\ni5\n");
  const auto session = run_lrurec(folder, "session run -k 1 < events");
  EXPECT_EQ(session.code, 0) << session.out;
  EXPECT_EQ(lines(session.out).back()["events"], 2);
}

// CLI11 takes "[7]" for a list of 7, and an empty list for one that is still to come.
TEST(ServeCommand, IdsInSquareBracketsAreIdsAndAnEmptyListIsNone) {
  const TemporaryFolder folder;
  write_text(folder / "log.csv", "user,item\nu,7\nu,[7]\nu,a\nu,b\n[u],[7]\n[u],7\n[u],b\n[u],a\n[u],[7]\n");
  ASSERT_EQ(run_lrurec(folder, "prepare log.csv -o d.lrd --columns user=user,item=item --filter none").code,
            0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run" + test::tiny_training).code, 0);
  const auto items_of = [](const nlohmann::json& answer) {
    std::map<std::string, double> scores;
    for (const auto& item : answer["items"]) scores[item["item"]] = item["score"];
    return scores;
  };
  write_text(folder / "requests", "{\"items\": [\"7\"]}\n{\"items\": [\"[7]\"]}\n");
  const auto batch = lines(run_lrurec(folder, "recommend run --include-seen --batch requests").out);
  for (const auto& [id, answer] : {std::pair{"7", batch.at(0)}, {"[7]", batch.at(1)}}) {
    const auto one =
        run_lrurec(folder, std::string("recommend run --include-seen --json --items '") + id + "'");
    EXPECT_EQ(items_of(nlohmann::json::parse(one.out)), items_of(answer)) << id << one.err;
  }
  const auto excluded = run_lrurec(folder, "recommend --include-seen --exclude '[7]' --items a run --json");
  const auto left = items_of(nlohmann::json::parse(excluded.out));
  EXPECT_TRUE(left.contains("7") && !left.contains("[7]")) << excluded.out << excluded.err;
  EXPECT_EQ(nlohmann::json::parse(
                run_lrurec(folder, "inspect memory --items 'a,[7]' run --json").out)["items"][1]["item"],
            "[7]");
  for (const char* empty : {"--items , -k 2", "--items '' -k 2", "--user u --exclude ' '"}) {
    const auto refused = run_lrurec(folder, std::string("recommend run ") + empty);
    EXPECT_EQ(refused.code, 2) << empty << refused.out;
    EXPECT_NE(refused.err.find("needs an id"), std::string::npos) << refused.err;
  }
  write_text(folder / "requests", "{\"items\": [\"a\"]}\n");
  const auto until = run_lrurec(folder, "recommend run --batch requests --until test");
  EXPECT_EQ(until.code, 3);
  EXPECT_NE(lines(until.out).at(0)["error"].get<std::string>().find("--until"), std::string::npos)
      << until.out;
  EXPECT_EQ(run_lrurec(folder, "evaluate run --per-user -").code, 2);

  // A folder of that name is none of its list.
  std::filesystem::rename(folder / "run", folder / "[other]");
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o other --seed 2" + test::tiny_training).code, 0);
  const auto compared = run_lrurec(folder, "compare --metrics Recall@10 '[other]' other --json");
  EXPECT_EQ(compared.code, 0) << compared.err;
  EXPECT_NE(compared.out.find("[other]"), std::string::npos) << compared.out;
  EXPECT_EQ(run_lrurec(folder, "report '[other]'").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "[other]/report.html"));
}

// FISM reads a whole history: a session that begins with one holds all of it, not max_length items.
TEST(ServeCommand, ASessionOfFismBeginsWithTheWholeHistory) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
  ASSERT_EQ(run_lrurec(folder,
                       "train d.lrd -o run -q --model fism --hidden 8 --max-length 3 --batch-size 16 "
                       "--validate-every 5 --max-steps 10")
                .code,
            0);
  ASSERT_EQ(run_lrurec(folder, "data write d.lrd --format inter -o d.inter").code, 0);
  std::string line, user, item, history;
  std::istringstream rows(read_text(folder / "d.inter"));
  std::int64_t count = 0;
  while (std::getline(rows, line)) {
    std::istringstream(line) >> user >> item;
    if (user != "u3") continue;
    history += item + ",";
    ++count;
  }
  ASSERT_GT(count, 3);
  const auto session =
      nlohmann::json::parse(run_shell(folder, "echo '{\"user\": \"u3\", \"item\": \"i1\"}' | " +
                                                  test::command_path() + " session run --with-history -k 40")
                                .out);
  EXPECT_EQ(session["events"], count + 1);
  const auto asked =
      nlohmann::json::parse(run_lrurec(folder, "recommend run --json -k 40 --items " + history + "i1").out);
  ASSERT_EQ(session["items"].size(), asked["items"].size());
  std::map<std::string, double> scores;
  for (const auto& one : asked["items"]) scores[one["item"]] = one["score"];
  for (const auto& one : session["items"]) {
    ASSERT_TRUE(scores.contains(one["item"])) << one;
    EXPECT_NEAR(one["score"].get<double>(), scores[one["item"]], 1e-5) << one;
  }
}

TEST(ServeCommand, EvaluateHasACardIntervalsAndRanksByUser) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto text = run_lrurec(folder, "evaluate run");
  for (const char* part : {"leave-last-out", "all 40 items", "equal scores count against the model",
                           "95% of resamplings", "popularity"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part;
  }
  const auto json =
      nlohmann::json::parse(run_lrurec(folder, "evaluate run --mask all --per-user ranks.csv --json").out);
  EXPECT_EQ(json["protocol"]["mask"], "all");
  const auto interval = json["intervals"]["LRURec"]["NDCG@10"];
  EXPECT_LE(interval[0].get<double>(), json["metrics"]["LRURec"]["NDCG@10"].get<double>());
  EXPECT_GE(interval[1].get<double>(), json["metrics"]["LRURec"]["NDCG@10"].get<double>());
  EXPECT_TRUE(std::filesystem::exists(folder / "run/evaluation-test-mask-all.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run/evaluation-test.json.tmp"));

  // The file's ranks are the table's metrics.
  std::istringstream csv(read_text(folder / "ranks.csv"));
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "user,item,rank_LRURec,rank_last-item Markov,rank_popularity");
  double users = 0, hits = 0;
  while (std::getline(csv, line)) {
    std::istringstream fields(line);
    std::string user, item, rank;
    std::getline(fields, user, ',');
    std::getline(fields, item, ',');
    std::getline(fields, rank, ',');
    ++users;
    hits += !rank.empty() && std::stoi(rank) <= 10 ? 1 : 0;
  }
  EXPECT_EQ(users, json["users"]);
  EXPECT_DOUBLE_EQ(hits / users, json["metrics"]["LRURec"]["Recall@10"].get<double>());
  EXPECT_EQ(run_lrurec(folder, "evaluate run --mask some").code, 2);
}

TEST(ServeCommand, CompareRefusesUnlikeProtocols) {
  const TemporaryFolder folder;
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o other --seed 2" + test::tiny_training).code, 0);
  const auto same = nlohmann::json::parse(run_lrurec(folder, "compare run other --json").out);
  const auto& entry = same["runs"][0]["metrics"]["NDCG@10"];
  EXPECT_EQ(same["runs"][0]["users"], 60);
  EXPECT_NEAR(entry["difference"].get<double>(), entry["run"].get<double>() - entry["base"].get<double>(),
              1e-12);
  EXPECT_GT(entry["p"].get<double>(), 0);

  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o short" + test::tiny_training + " --max-length 3").code, 0);
  const auto refused = run_lrurec(folder, "compare run short");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("different protocols: mask"), std::string::npos) << refused.err;
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(run_lrurec(folder, "compare run short --mask all").code, 0) << "the same candidates then";
  const auto forced = run_lrurec(folder, "compare run short --force");
  EXPECT_EQ(forced.code, 0);
  EXPECT_NE(forced.out.find("UNLIKE PROTOCOLS"), std::string::npos);
  // Regression: the number of compared users was that of the first run's users, of whom the other run has
  // only one.
  write_text(folder / "few.csv", "u1,a\nu1,b\nu1,c\nx,a\nx,b\nx,c\ny,a\ny,b\ny,c\n");
  ASSERT_EQ(run_lrurec(folder, "prepare few.csv -o few.lrd --columns user=0,item=1 --filter none").code, 0);
  ASSERT_EQ(run_lrurec(folder, "train few.lrd -o few" + test::tiny_training).code, 0);
  const auto one = run_lrurec(folder, "compare run few --force").out;
  EXPECT_NE(one.find("mean over 1 user\n"), std::string::npos) << one;
  EXPECT_NE(one.find("few: 1 user in common; unlike: data ("), std::string::npos) << one;
  EXPECT_EQ(run_lrurec(folder, "compare run").code, 2);
  EXPECT_EQ(run_lrurec(folder, "compare run other --metrics NDCG@11").code, 2);
}

TEST(ServeCommand, ASessionBeginsWithTheHistoryIfAsked) {
  const TemporaryFolder folder;
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "data write d.lrd --format inter -o d.inter").code, 0);
  std::string items, line, user, item;
  std::istringstream rows(test::read_text(folder / "d.inter"));
  std::vector<std::string> history;
  while (std::getline(rows, line)) {
    std::istringstream(line) >> user >> item;
    if (user == "u3") history.push_back(item);
  }
  ASSERT_GE(history.size(), 3U);
  const std::string event = "echo '{\"user\": \"u3\", \"item\": \"" + history[0] + "\"}' | " +
                            test::command_path() + " session run -k 40";
  const auto alone = nlohmann::json::parse(test::run_shell(folder, event).out),
             after = nlohmann::json::parse(test::run_shell(folder, event + " --with-history").out);
  EXPECT_EQ(alone["events"], 1);
  EXPECT_EQ(alone["items"].size(), 39U);
  EXPECT_EQ(after["events"], history.size() + 1);
  // The model sees 6 items of a history (tiny_training), and then this one.
  for (std::size_t i = history.size() - std::min<std::size_t>(history.size(), 6); i < history.size(); ++i) {
    items += "{\"user\": \"x\", \"item\": \"" + history[i] + "\", \"k\": 0}\n";
  }
  test::write_text(folder / "events", items + "{\"user\": \"x\", \"item\": \"" + history[0] + "\"}\n");
  const auto told = lines(run_lrurec(folder, "session run -k 40 < events").out).back();
  std::map<std::string, double> scores;
  for (const auto& one : told["items"]) scores[one["item"]] = one["score"];
  std::size_t seen = 0;
  for (const auto& one : after["items"]) {
    EXPECT_EQ(std::ranges::count(history, one["item"].get<std::string>()), 0) << "seen";
    const auto found = scores.find(one["item"]);
    ASSERT_NE(found, scores.end());
    EXPECT_EQ(found->second, one["score"].get<double>());
    ++seen;
  }
  EXPECT_EQ(seen, 40 - std::set<std::string>(history.begin(), history.end()).size());
}

// Regression: an event with a further key was refused as a misspelt "item".
TEST(ServeCommand, OtherKeysAreLeftOutWhereThatIsAsked) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "events", "{\"user\": \"a\", \"item\": \"i1\", \"time\": 7}\n");
  const auto refused = run_lrurec(folder, "session run -k 1 < events");
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.err.find("1 event was left out"), std::string::npos) << refused.err;
  EXPECT_NE(lines(refused.out)[0]["error"].get<std::string>().find("unknown key \"time\""),
            std::string::npos);
  const auto taken = run_lrurec(folder, "session run -k 1 --ignore-unknown < events");
  EXPECT_EQ(taken.code, 0) << taken.err;
  EXPECT_EQ(lines(taken.out)[0]["events"], 1);

  write_text(folder / "requests", "{\"user\": \"u3\", \"time\": 7}\n");
  const auto asked = run_lrurec(folder, "recommend run --batch requests -k 1 --ignore-unknown");
  EXPECT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(lines(asked.out)[0]["items"].size(), 1U);
  EXPECT_EQ(run_lrurec(folder, "recommend run --user u3 --ignore-unknown").code, 2);
}

TEST(ServeCommand, UnknownItemsAreToldWithTheirFlag) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto result = run_lrurec(folder, "recommend run --items i1,x --exclude i2,y,z");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("--items: not in the data set and left out: x\n"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("--exclude: not in the data set and left out: y, z\n"), std::string::npos)
      << result.err;
}

TEST(ServeCommand, EventsThatAreMeantOtherwiseAreErrors) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "events",
             "  {\"user\": \"a\", \"item\": \"i1\"}\n{\"user\": \"\", \"item\": \"i3\"}\n"
             "{\"user\": \"a\", \"itm\": \"i3\"}\n{\"user\": \"a\", \"item\": \"i3\", \"k\": -1}\n");
  const auto answers = lines(run_lrurec(folder, "session run -k 1 < events").out);
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0]["user"], "a");
  EXPECT_NE(answers[1]["error"].get<std::string>().find("\"user\" is empty"), std::string::npos);
  EXPECT_EQ(
      answers[2]["error"],
      "unknown key \"itm\"; an event has \"user\", \"item\" and \"k\" (--ignore-unknown leaves out others)");
  EXPECT_EQ(answers[3]["user"], "a");
  write_text(folder / "null", "{\"user\": null, \"item\": \"i1\"}\n");
  EXPECT_EQ(lines(run_lrurec(folder, "session run < null").out)[0]["error"],
            "null stands where an id is needed");
  EXPECT_NE(run_lrurec(folder, "recommend run --batch null").out.find("has an unknown key \\\"item\\\""),
            std::string::npos);
  write_text(folder / "null", "{\"user\": null}\n");
  EXPECT_EQ(lines(run_lrurec(folder, "recommend run --batch null").out)[0]["error"],
            "line 1: the request is wrong: null stands where an id is needed");
  const auto blanks = run_lrurec(folder, "recommend run --items 'i1, i2' --json");
  EXPECT_FALSE(nlohmann::json::parse(blanks.out).contains("unknown")) << blanks.out;
  EXPECT_EQ(run_lrurec(folder, "recommend run --items i1 --until val").code, 2);
  EXPECT_EQ(run_lrurec(folder, "report run --json -o page.html").code, 2);
}

}  // namespace
}  // namespace lrurec
