// The page of lrurec explore, clicked through in a browser, where there is one, and held to the command's
// numbers.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "lrurec/explore/explore.h"
#include "tests/support/explored.h"
#include "tests/support/pages.h"
#include "tests/support/runs.h"

namespace lrurec {
namespace {

using nlohmann::json;
using test::make_run;
using test::no_browser;
using test::output_of;
using test::play;
using test::read_text;
using test::run_lrurec;
using test::TemporaryFolder;
using test::write_text;

void expect_same_ten(const json& page, const json& command) {
  ASSERT_EQ(page.size(), command["items"].size());
  for (std::size_t i = 0; i < page.size(); ++i) {
    EXPECT_EQ(page[i]["item"], command["items"][i]["item"]) << "rank " << i + 1;
    EXPECT_NEAR(page[i]["score"].get<double>(), command["items"][i]["score"].get<double>(), 1e-4);
  }
}

void expect_same_memory(const json& page, const json& command) {
  ASSERT_EQ(page.size(), command["items"].size());
  for (std::size_t t = 0; t < page.size(); ++t) {
    const json& own = page[t];
    const json& its = command["items"][t];
    EXPECT_EQ(own["item"], its["item"]);
    EXPECT_EQ(own["ago"], its["ago"]);
    EXPECT_NEAR(own["score_change"].get<double>(), its["score_change"].get<double>(), 1e-4);
    ASSERT_EQ(own["share"].size(), its["share"].size());
    for (std::size_t b = 0; b < own["share"].size(); ++b) {
      EXPECT_NEAR(own["share"][b].get<double>(), its["share"][b].get<double>(), 1e-4);
    }
  }
}

// A history is typed, an item taken out, two exchanged: ten best, shares and score changes are those of the
// command.
TEST(ExploreCommand, ShowsTheCommandsNumbers) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  const std::string items = "i3,i17,i5,i22,i9";
  const json ids = json::parse("[\"i3\", \"i17\", \"i5\", \"i22\", \"i9\"]");
  const json played = play(folder, "run", R"js(
  $("#clear").click();
  for (const id of )js" + ids.dump() + R"js() {
    $("#entry").value = id;
    $("#entry").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  }
  await settled();
  result.ten = ten();
  all("#top button")[3].click();
  await settled();
  result.candidate = $("#candidate").textContent;
  result.memory = remembered();
  all("#history li")[1].lastChild.click();
  result.without = ten();
  all("#history li")[0].querySelectorAll("button")[1].click();
  result.exchanged = ten();
  const buttons = all("#history button");
  buttons[0].focus();
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("ArrowDown");
  press("ArrowRight");
  result.focused = buttons.indexOf(document.activeElement);
  result.stops = all("#history button").filter((button) => button.tabIndex === 0).length;
  $("#entry").value = "nothing";
  $("#add").click();
  result.unknown = $("#history-message").textContent;
  $("#include-seen").click();
  result.seen = ten();
  $("#restore").click();
  result.own = all("#history li span").map((span) => span.textContent).join() === data.users[0].items.map((i) => data.items[i - 1]).join();
  )js");
  expect_same_ten(played["ten"], output_of(folder, "recommend run --json --items " + items));
  const std::string candidate = played["candidate"];
  EXPECT_EQ(candidate, played["ten"][3]["item"]);
  expect_same_memory(played["memory"], output_of(folder, "inspect memory run --json --items " + items +
                                                             " --score " + candidate));
  expect_same_ten(played["without"], output_of(folder, "recommend run --json --items i3,i5,i22,i9"));
  expect_same_ten(played["exchanged"], output_of(folder, "recommend run --json --items i5,i3,i22,i9"));
  EXPECT_EQ(played["focused"], 4) << "arrow keys go through the history";
  EXPECT_EQ(played["stops"], 1) << "the history is one stop of the tab key";
  EXPECT_NE(played["unknown"].get<std::string>().find("nothing"), std::string::npos);
  EXPECT_EQ(played["own"], true);
  expect_same_ten(played["seen"],
                  output_of(folder, "recommend run --json --include-seen --items i5,i3,i22,i9"));
}

// Items beyond the last max_length are not read, and have been seen all the same; one is read where a later
// one is taken out.
TEST(ExploreCommand, WhatIsNoLongerReadHasBeenSeen) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto run = train::load_run({(folder / "run").string(), (folder / "d.lrd").string(), "best", {}});
  const auto users = explore::describe(run, {{"long", {1, 2, 3, 4, 5, 6, 7, 8}}, {"short", {1, 2}}})["users"];
  EXPECT_EQ(users[0]["items"], json::parse("[3, 4, 5, 6, 7, 8]"));
  EXPECT_EQ(users[0]["earlier"], json::parse("[1, 2]"));
  EXPECT_EQ(users[1]["earlier"], json::array());
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  const json played = play(folder, "run", R"js(
  result.lists = data.users.map(({ user }, i) => { give($("#user"), i); return { user, ten: ten() }; });
  // Ten items are typed: what leaves the six that are read stays seen.
  $("#clear").click();
  for (const id of data.items.slice(0, 10)) {
    $("#entry").value = id;
    $("#add").click();
  }
  await settled();
  result.typed = ten();
  result.memory = remembered();
  result.candidate = $("#candidate").textContent;
  result.ids = data.items.slice(0, 10).join();
  const third = all("#history li")[2];
  result.left = data.items.slice(0, 10).filter((id) => id !== third.firstChild.textContent).join();
  third.lastChild.click();
  result.without = ten();
  result.six = all("#history li span").map((span) => span.textContent).join() === result.left.split(",").slice(3).join();
  result.focused = document.activeElement.getAttribute("aria-label") === `without ${data.items[7]}`;
  )js");
  ASSERT_EQ(played["lists"].size(), 20U);
  std::string requests;
  for (const auto& list : played["lists"]) requests += json{{"user", list["user"]}}.dump() + "\n";
  write_text(folder / "requests", requests);
  std::istringstream answers(run_lrurec(folder, "recommend run --batch requests").out);
  std::string line;
  for (const auto& list : played["lists"]) {
    std::getline(answers, line);
    expect_same_ten(list["ten"], json::parse(line));
  }
  expect_same_ten(played["typed"],
                  output_of(folder, "recommend run --json --items " + played["ids"].get<std::string>()));
  const std::string ids = played["ids"], left = played["left"], candidate = played["candidate"];
  const json memory = output_of(folder, "inspect memory run --json --items " + ids + " --score " + candidate);
  ASSERT_EQ(memory["items"].size(), 6U);
  expect_same_memory(played["memory"], memory);
  expect_same_ten(played["without"], output_of(folder, "recommend run --json --items " + left));
  const json shorter =
      output_of(folder, "inspect memory run --json --items " + left + " --score " + candidate);
  EXPECT_NEAR(memory["items"][2]["score_change"].get<double>(),
              memory["score"].get<double>() - shorter["score"].get<double>(), 1e-5);
  EXPECT_EQ(played["six"], true);
  EXPECT_EQ(played["focused"], true) << "the button of the next item, as where no older one came in";
}

// Items have titles wherever people read their ids.
TEST(ExploreCommand, TitlesStandBesideIds) {
  const TemporaryFolder folder;
  std::string raw, titles = "id,title\n";
  for (int user = 1; user <= 30; ++user) {
    for (int k = 0; k < 6; ++k) raw += fmt::format("{} {}\n", user, 1 + (user + k * k) % 15);
  }
  for (int item = 1; item <= 15; ++item) titles += fmt::format("{},\"Film, the {}th\"\n", item, item);
  write_text(folder / "raw.txt", raw);
  write_text(folder / "titles.csv", titles);
  const std::string prepare = "prepare raw.txt --format sasrec --titles ";
  EXPECT_EQ(run_lrurec(folder, prepare + "titles.csv -o titles.csv --force").code, 2);
  EXPECT_EQ(read_text(folder / "titles.csv"), titles);
  EXPECT_EQ(run_lrurec(folder, prepare + "none.csv -o d.lrd").code, 5);
  const auto prepared = run_lrurec(folder, prepare + "titles.csv -o d.lrd");
  ASSERT_EQ(prepared.code, 0) << prepared.err;
  EXPECT_NE(prepared.out.find("items with a title: 15 of 15"), std::string::npos) << prepared.out;
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run" + test::tiny_training).code, 0);

  const auto shown = run_lrurec(folder, "recommend run --items 3,4");
  EXPECT_NE(shown.out.find("Film, the "), std::string::npos) << shown.out;
  const json best = output_of(folder, "recommend run --items 3,4 --json")["items"][0];
  EXPECT_EQ(best["title"], "Film, the " + best["item"].get<std::string>() + "th");
  const json memory = output_of(folder, "inspect memory run --items 3,4 --json");
  EXPECT_EQ(memory["items"][0]["title"], "Film, the 3th");
  write_text(folder / "events", "3\n");
  const auto session = test::run_shell(folder, test::command_path() + " session run < events");
  EXPECT_NE(session.out.find("\"title\":\"Film, the "), std::string::npos) << session.out;

  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  const json played = play(folder, "run", R"js(
  $("#clear").click();
  for (const title of ["Film, the 3th", "the 4TH"]) {
    give($("#entry"), title);
    $("#add").click();
  }
  result.matches = (give($("#entry"), "film, the 1"), all("#matches option").length);
  result.history = all("#history li span").map((span) => span.textContent);
  result.ten = ten();
  )js");
  EXPECT_EQ(played["history"], json::parse(R"(["Film, the 3th", "Film, the 4th"])"));
  EXPECT_EQ(played["matches"], 7);
  expect_same_ten(played["ten"], output_of(folder, "recommend run --json --items 3,4"));
}

// Of every model that the page takes.
TEST(ExploreCommand, ShowsTheNumbersOfAblations) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  const std::vector<std::string> variants{" --layer-norm false", " --residual false --outer-gelu true",
                                          " --pffn false --blocks 3"};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    SCOPED_TRACE(variants[i]);
    const std::string name = "run" + std::to_string(i);
    make_run(folder, name, variants[i]);
    const json played = play(folder, name,
                             "const own = data.users[0]; result.ten = ten(); "
                             "result.items = [...own.earlier, ...own.items].map((i) => data.items[i - 1]);");
    std::string items;
    for (const auto& item : played["items"]) items += (items.empty() ? "" : ",") + item.get<std::string>();
    expect_same_ten(played["ten"], output_of(folder, "recommend " + name + " --json --items " + items));
  }
}

// An eigenvalue is dragged, one is set by the sliders, both are put back; training is gone through.
TEST(ExploreCommand, EigenvaluesCanBePlayedWith) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  const json played = play(folder, "run", R"js(
  result.trained = model.lru.map((lru) => lru.trained);
  result.ten = ten();
  const disk = $(".disk");
  const point = (kind, [re, im]) => {
    const box = disk.getBoundingClientRect();
    disk.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerId: 1,
      clientX: box.left + (re + 1.12) / 2.24 * box.width, clientY: box.top + (1.12 - im) / 2.24 * box.height }));
  };
  point("pointerdown", model.lru[0].lambda[5]);
  result.chosen = $("#eigen-channel").value;
  point("pointermove", [0.1, 0.2]);
  point("pointermove", [-0.6, 0.4]);
  point("pointerup", [-0.6, 0.4]);
  point("pointermove", [0.9, 0]);
  result.dragged = model.lru[0].lambda[5];
  result.reading = $("#eigen-reading").textContent;
  result.output = $("#eigen-output").textContent;
  result.moved = ten();
  give($("#eigen-block"), 1);
  give($("#eigen-channel"), 12);
  give($("#eigen-modulus"), 0.5);
  give($("#eigen-angle"), 90);
  result.set = model.lru[1].lambda[11];
  give($("#eigen-modulus"), 0);
  result.nowhere = $("#eigen-reading").textContent;
  give($("#eigen-angle"), 0.5);
  result.slow = $("#eigen-reading").textContent;
  give($("#eigen-angle"), 0);
  result.straight = $("#eigen-reading").textContent;
  $("#eigen-reset").click();
  result.reset = ten();
  result.rounds = data.training.map((round) => round.step);
  give($("#eigen-step"), 0);
  result.first = $("#eigen-step-text").textContent;
  result.initial = data.training[0].lambda;
  all("#states .state")[1].querySelectorAll("button")[2].click();
  give($("#eigen-modulus"), 0);
  give($("#eigen-modulus"), 0.5);
  result.turn = Math.atan2(...[...model.lru[1].lambda[2]].reverse()) - Math.atan2(...[...model.lru[1].trained[2]].reverse());
  result.by_state = [$("#eigen-block").value, $("#eigen-channel").value];
  $("#eigen-reset").click();
  give($("#eigen-block"), 0);
  const all_of = () => model.lru[0].lambda.map(([re, im]) => [re, im]);
  const before = all_of();
  point("pointerdown", [0, 0]);
  point("pointermove", [0.1, 0]);
  point("pointerup", [0.1, 0]);
  result.far = JSON.stringify(all_of()) === JSON.stringify(before);
  const [re, im] = before[5], beside = [1.02 * re, 1.02 * im];
  point("pointerdown", beside);
  point("pointermove", [beside[0] - 0.3 * re, beside[1] - 0.3 * im]);
  point("pointerup", beside);
  const k = Number($("#eigen-channel").value) - 1;
  result.by = [before[k][0] - all_of()[k][0] - 0.3 * re, before[k][1] - all_of()[k][1] - 0.3 * im];
  result.cell = $("#states button").getAttribute("aria-label");
  )js");
  EXPECT_EQ(played["chosen"], "6");
  EXPECT_NEAR(played["dragged"][0].get<double>(), -0.6, 1e-6);
  EXPECT_NEAR(played["dragged"][1].get<double>(), 0.4, 1e-6);
  EXPECT_NE(played["reading"].get<std::string>().find("|λ| 0.721"), std::string::npos) << played["reading"];
  EXPECT_NE(played["output"].get<std::string>().find("% away"), std::string::npos) << played["output"];
  EXPECT_NE(played["moved"], played["ten"]);
  EXPECT_NEAR(played["set"][0].get<double>(), 0, 1e-6);
  EXPECT_NEAR(played["set"][1].get<double>(), 0.5, 1e-6);
  // Regression: at a modulus of 0, and at angles below a degree, the page showed an angle and "it does not
  // turn".
  for (const auto& [reading, turn] :
       {std::pair("nowhere",
                  "angle 90.0° (1.57 rad), half of an item's part is left "
                  "after 0.0 items, a turn takes 4.0 items"),
        std::pair("slow", "a turn takes 720.0 items"), std::pair("straight", "it does not turn")}) {
    EXPECT_NE(played[reading].get<std::string>().find(turn), std::string::npos) << played[reading];
  }
  EXPECT_EQ(played["reset"], played["ten"]);
  EXPECT_EQ(played["rounds"], json::parse("[0, 5, 10]"));
  EXPECT_EQ(played["first"].get<std::string>().substr(0, 6), "step 0");
  EXPECT_EQ(played["by_state"], json::parse(R"(["1", "3"])"));
  EXPECT_EQ(played["far"], true) << "a touch far from every point moves none";
  EXPECT_NEAR(played["by"][0].get<double>(), 0, 1e-6) << "a point moves by as much as the pointer";
  EXPECT_NEAR(played["by"][1].get<double>(), 0, 1e-6);
  EXPECT_NE(played["reading"].get<std::string>().find("angle 146.3° (2.55 rad)"), std::string::npos)
      << played["reading"];
  EXPECT_NE(played["cell"].get<std::string>().find("|h| "), std::string::npos) << played["cell"];
  EXPECT_NEAR(played["turn"].get<double>(), 0, 1e-9) << "an angle outlives a modulus of 0";

  const json eigen = output_of(folder, "inspect eigen run --json");
  for (std::size_t b = 0; b < eigen.size(); ++b) {
    for (std::size_t k = 0; k < eigen[b]["lambda"].size(); ++k) {
      for (std::size_t part : {0, 1}) {
        EXPECT_NEAR(played["trained"][b][k][part].get<double>(), eigen[b]["lambda"][k][part].get<double>(),
                    1e-5);
      }
    }
  }
}

TEST(ExploreCommand, FitsAPhone) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  const auto made = run_lrurec(folder, "explore run --user 'u2, u1'");
  EXPECT_NE(made.out.find("run/explore.html"), std::string::npos) << made.out << made.err;
  EXPECT_EQ(test::overflow_on_a_phone(folder, "run/explore.html"), "");
}

// Regression: the id was cut at the comma into two ids that nobody has.
TEST(ExploreCommand, AnIdMayHoldACommaOfItsOwn) {
  const TemporaryFolder folder;
  std::string rows = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (const char* user : {"Smith, Ann", "x", "y"}) {
    for (int t = 0; t < 6; ++t) rows += fmt::format("{}\ti{}\t{}\n", user, t, t);
  }
  test::write_text(folder / "raw", rows);
  ASSERT_EQ(run_lrurec(folder, "prepare raw -o d.lrd --filter none").code, 0);
  make_run(folder);
  const auto users = [&](const std::string& arguments) {
    const auto explored = run_lrurec(folder, "explore run " + arguments);
    EXPECT_EQ(explored.code, 0) << explored.err;
    const std::string page = read_text(folder / "run/explore.html");
    std::string found;
    for (const char* user : {"Smith, Ann", "x", "y"}) {
      if (page.find(fmt::format("\"user\":\"{}\"", user)) != std::string::npos)
        found += user + std::string(";");
    }
    return found;
  };
  EXPECT_EQ(users("--user 'Smith, Ann'"), "Smith, Ann;");
  EXPECT_EQ(users("--user 'Smith, Ann' --user 'x, y'"), "Smith, Ann;x;y;");
  EXPECT_EQ(users("--user x"), "x;");
  EXPECT_EQ(run_lrurec(folder, "explore run --user 'Smith, Bob'").code, 3);
}

TEST(ExploreCommand, RefusesWhatItCannotShow) {
  const TemporaryFolder folder;
  make_run(folder);
  make_run(folder, "gated", " --gates true");
  make_run(folder, "first", " --norm-first true");
  make_run(folder, "directions", " --item-norm true");
  EXPECT_EQ(run_lrurec(folder, "explore nothing").code, 5);
  const auto user = run_lrurec(folder, "explore run --user nobody");
  EXPECT_EQ(user.code, 3);
  EXPECT_NE(user.err.find("'nobody'"), std::string::npos) << user.err;
  const auto first = run_lrurec(folder, "explore first");
  EXPECT_EQ(first.code, 2);
  EXPECT_NE(first.err.find("norms stand before"), std::string::npos) << first.err;
  const auto directions = run_lrurec(folder, "explore directions");
  EXPECT_EQ(directions.code, 2);
  EXPECT_NE(directions.err.find("direction"), std::string::npos) << directions.err;
  const auto gated = run_lrurec(folder, "explore gated");
  EXPECT_EQ(gated.code, 2);
  EXPECT_NE(gated.err.find("gates"), std::string::npos) << gated.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "gated/explore.html"));
  EXPECT_EQ(run_lrurec(folder, "explore run --checkpoint nonsense").code, 2);
  const std::string weights = read_text(folder / "run/checkpoints/best.ckpt");
  for (const char* command : {"explore", "report"}) {
    const auto over = run_lrurec(folder, std::string(command) + " run -o run/checkpoints/best.ckpt");
    EXPECT_EQ(over.code, 2) << command;
    EXPECT_NE(over.err.find("does not say that lrurec made it"), std::string::npos) << over.err;
    for (int twice = 0; twice < 2; ++twice)
      EXPECT_EQ(run_lrurec(folder, std::string(command) + " run").code, 0);
  }
  EXPECT_EQ(read_text(folder / "run/checkpoints/best.ckpt"), weights);
}

}  // namespace
}  // namespace lrurec
