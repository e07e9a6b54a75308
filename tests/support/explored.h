#pragma once
// What a page of lrurec explore shows after a script has clicked through it.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/pages.h"
#include "tests/support/runs.h"

namespace lrurec::test {

inline nlohmann::json output_of(const TemporaryFolder& folder, const std::string& command) {
  const auto ran = run_lrurec(folder, command);
  EXPECT_EQ(ran.code, 0) << command << "\n" << ran.err;
  return nlohmann::json::parse(ran.out);
}

/// What `script` leaves in `result` after it was run at the end of the page of a run.
inline nlohmann::json play(const TemporaryFolder& folder, const std::string& run, const std::string& script) {
  const auto made = run_lrurec(folder, "explore " + run + " -o page.html");
  EXPECT_EQ(made.code, 0) << made.err;
  const std::string wrapped = R"js(
const result = {};
const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const give = (node, value) => { node.value = value; node.dispatchEvent(new Event("input", { bubbles: true })); };
const ten = () => all("#top tbody tr").map((row) => ({ item: row.querySelector("button").dataset.item, score: Number(row.children[2].textContent) }));
const remembered = () => all("#memory tbody tr").map((row) => ({
  item: row.children[0].textContent, ago: Number(row.children[1].textContent),
  share: [...row.querySelectorAll(".share")].map((cell) => Number(cell.dataset.value)), score_change: Number(row.lastChild.dataset.value) })).reverse();
const settled = async () => { while (!$("#memory").dataset.ready) await new Promise((go) => setTimeout(go, 5)); };
(async () => {)js" + script + R"js(
  const out = document.createElement("pre");
  out.id = "result";
  out.textContent = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(result))));
  document.body.append(out);
})();)js";
  write_text(folder / "played.html", with_script(read_text(folder / "page.html"), wrapped));
  const auto played = browse(folder, "played.html", "--virtual-time-budget=60000");
  EXPECT_FALSE(console_has_errors(played.err)) << played.err;
  const std::string open = "<pre id=\"result\">";
  const auto at = played.out.find(open);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the script did not end";
    return {};
  }
  const auto end = played.out.find("</pre>", at);
  write_text(folder / "result.b64", played.out.substr(at + open.size(), end - at - open.size()));
  return nlohmann::json::parse(run_shell(folder, "base64 -d result.b64").out);
}

}  // namespace lrurec::test
