// Input from outside that is bad on purpose: it must not end a process that should go on, nor reach a
// terminal as a command.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::make_run;
using test::read_text;
using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;
using test::wait_until;
using test::write_text;

std::vector<nlohmann::json> lines(const std::string& text) {
  std::vector<nlohmann::json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(HostileInputCommand, ABadLineOfASessionIsAnsweredAndPassedOver) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::vector<std::string> bad{"{\"user\": \"a\", \"item\": \"\xFF\"}",
                                     "\xFF\xFE",
                                     "{\"user\": \"a\", \"item\": \"i1\", \"k\": -1}",
                                     "{\"item\": " + nested(100000) + "}",
                                     "{\"user\": {\"a\": 1}, \"item\": \"i1\"}",
                                     "[]",
                                     std::string(3 << 20, 'x'),
                                     std::string("a\0b", 3),
                                     "{\"user\": \"a\"}"};
  std::string text = "{\"user\": \"a\", \"item\": \"i1\"}\n";
  for (const auto& line : bad) text += line + "\r\n\n";
  text +=
      "{\"user\": \"a\", \"item\": \"i2\", \"k\": 1000000000000}\n{\"user\": \"a\", \"item\": \"i3\", \"k\": "
      "18446744073709551615}";
  write_text(folder / "events", text);
  const auto result = run_lrurec(folder, "session run --state states < events");
  EXPECT_EQ(result.code, 3) << result.err;
  const auto answers = lines(result.out);
  ASSERT_EQ(answers.size(), bad.size() + 3);
  for (std::size_t i = 1; i <= bad.size(); ++i) EXPECT_TRUE(answers[i].contains("error")) << i;
  EXPECT_EQ(answers[bad.size() + 1]["events"], 2) << "the user's state went on";
  EXPECT_EQ(answers[bad.size() + 1]["items"].size(), 38U) << "all that are left of 40";
  EXPECT_EQ(answers[bad.size() + 2]["items"].size(), 37U);
}

TEST(HostileInputCommand, ABadRequestOfABatchIsAnsweredAndPassedOver) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "requests", "{\"items\": [\"\xFF\"]}\n{\"id\": " + nested(100000) + "}\n" +
                                      std::string(3 << 20, 'x') + "\n{\"user\": \"u1\", \"k\": 1" +
                                      std::string(30, '0') +
                                      "}\n{\"items\": [\"i1\"], \"k\": 1000000000000}\n");
  const auto result = run_lrurec(folder, "recommend run --batch requests");
  EXPECT_EQ(result.code, 3) << result.err;
  const auto answers = lines(result.out);
  ASSERT_EQ(answers.size(), 5U);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(answers[i].contains("error")) << i;
  EXPECT_EQ(answers[4]["items"].size(), 39U);
}

TEST(HostileInputCommand, ASessionKeepsItsStatesHoweverItEnds) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = test::command_path();
  const auto events_after = [&](const std::string& how) {
    std::filesystem::remove(folder / "states");
    run_shell(folder, how);
    const auto next = run_shell(folder, "echo '{\"user\": \"a\", \"item\": \"i2\", \"k\": 0}' | " + lrurec +
                                            " session run --state states");
    return nlohmann::json::parse(next.out)["events"].get<int>();
  };
  const std::string feed = "echo '{\"user\": \"a\", \"item\": \"i1\"}'";
  const std::string session = lrurec + " session run --state states";
  EXPECT_EQ(events_after("{ " + feed + "; sleep .3; " + feed + "; } | " + session + " | head -n 1"), 3)
      << "a closed pipe";
  for (const char* signal : {"HUP", "TERM", "INT"}) {
    EXPECT_EQ(
        events_after("mkfifo in; " + session + " < in > out & exec 9> in; " + feed + " >&9; " +
                     wait_until("[ -s out ]") + "kill -" + signal + " $!; wait $!; exec 9>&-; rm -f in out"),
        2)
        << signal;
  }
  // A kill that cannot be caught costs one interval: the process is killed once the file has been replaced.
  EXPECT_EQ(
      events_after("mkfifo in; " + session + " --save-every 0 < in > out & exec 9> in; " +
                   wait_until("[ -s states ]") + "first=$(stat -c %i states); " + feed +
                   " >&9; for n in $(seq 500); do [ $(stat -c %i states) = $first ] || break; sleep .02; "
                   "done; kill -KILL $!; wait $!; exec 9>&-; rm -f in out"),
      2);
}

/// 3,000 events of one user: more than a pipe holds answers to.
void make_events(const TemporaryFolder& folder) {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += "{\"user\": \"a\", \"item\": \"i" + std::to_string(1 + i % 40) + "\"}\n";
  write_text(folder / "events", text);
}

/// Events of user "a" in the file `states`.
int events_in_states(const TemporaryFolder& folder) {
  const auto asked = run_shell(folder, "echo '{\"user\": \"a\", \"item\": \"nothing\"}' | " +
                                           test::command_path() + " session run --state states");
  return nlohmann::json::parse(asked.out).at("events").get<int>();
}

/// Starts a session on those events whose reader waits, and goes on once it has saved them.
std::string stalled_session(const std::string& reader) {
  const std::string session =
      test::command_path() + " session run --state states --save-every 0 -k 40 --include-seen";
  return session + " < /dev/null; size=$(stat -c %s states); mkfifo out; " + session +
         " < events > out & session=$!; { " + reader +
         "; } < out > lines & reader=$!; for n in $(seq 500); do [ $(stat -c %s states) = $size ] || break; "
         "sleep .02; done; ";
}

// Regression: a signal tore the line that was being written, and the lines after it were lost.
TEST(HostileInputCommand, ASignalLosesNoLineOfALateReader) {
  const TemporaryFolder folder;
  make_run(folder);
  make_events(folder);
  const auto result =
      run_shell(folder, stalled_session("until [ -e go ]; do sleep .02; done; cat") +
                            "kill -TERM $session; sleep .4; touch go; wait $session; code=$?; "
                            "wait $reader; exit $code");
  EXPECT_EQ(result.code, 143) << result.err;
  EXPECT_EQ(result.err.find("cannot write"), std::string::npos) << result.err;
  const auto answers = lines(read_text(folder / "lines"));
  EXPECT_GT(answers.size(), 100U);
  EXPECT_EQ(std::ssize(answers), events_in_states(folder));
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].at("events"), i + 1);
}

// Regression: saving the states waited for the reader too.
TEST(HostileInputCommand, AReaderThatStandsStillKeepsNoStatesFromBeingSaved) {
  const TemporaryFolder folder;
  make_run(folder);
  make_events(folder);
  run_shell(folder, stalled_session("for n in $(seq 20); do read -r line; echo \"$line\"; done; "
                                    "until [ -e go ]; do sleep .02; done") +
                        "kill -KILL $session; wait $session; touch go; wait $reader");
  EXPECT_EQ(lines(read_text(folder / "lines")).size(), 20U);
  EXPECT_GE(events_in_states(folder), 20);
}

// Regression: "Resource temporarily unavailable" ended the command.
TEST(HostileInputCommand, AStdoutThatDoesNotBlockIsWaitedFor) {
  const TemporaryFolder folder;
  make_run(folder);
  make_events(folder);
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += "{\"items\": [\"i1\"], \"k\": 40}\n";
  write_text(folder / "requests", requests);
  for (const auto& [command, count] : {std::pair{"session run -k 40 --include-seen < events", 3000U},
                                       std::pair{"recommend run --batch requests", 500U}}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(::fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    const std::string line =
        "cd " + folder.path().string() + " && exec " + test::command_path() + " " + command;
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    ::usleep(500000);  // until it is full
    std::string out;
    char block[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], block, sizeof(block))) > 0;)
      out.append(block, static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(test::exit_code(status), 0) << command;
    EXPECT_EQ(lines(out).size(), count) << command;
  }
}

// Where processes do not see each other, another session's writer may still be alive.
TEST(HostileInputCommand, ASessionRemovesOnlyTemporariesOfItsOwnFile) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / ".other.tmp.999999999-1", "another session's");
  write_text(folder / ".states.tmp.999999999-1", "of a session that was killed");
  ASSERT_EQ(run_lrurec(folder, "session run --state states").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / ".other.tmp.999999999-1"));
  EXPECT_FALSE(std::filesystem::exists(folder / ".states.tmp.999999999-1"));
}

TEST(HostileInputCommand, ASessionStartsOnlyWithAStateFileOfItsOwnThatCanBeWritten) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = test::command_path();
  const auto unwritable = run_shell(folder, "echo i1 | " + lrurec + " session run --state nowhere/states");
  EXPECT_EQ(unwritable.code, 5) << unwritable.err;
  EXPECT_EQ(unwritable.out, "") << "before the first event";
  const auto second =
      run_shell(folder, "mkfifo in; " + lrurec +
                            " session run --state states < in > out & exec 9> in; "
                            "echo i1 >&9; " +
                            wait_until("[ -s out ]") + "echo i2 | " + lrurec +
                            " session run --state states; code=$?; exec 9>&-; wait; exit $code");
  EXPECT_EQ(second.code, 2);
  EXPECT_NE(second.err.find("states is in use by another session"), std::string::npos) << second.err;
  const auto fifo =
      run_shell(folder, "mkfifo pipe; echo i1 | timeout 20 " + lrurec + " session run --state pipe");
  EXPECT_EQ(fifo.code, 5) << fifo.err;
}

// Regression: with two sessions on one file, the states of the last to save replaced the other's.
TEST(HostileInputCommand, AStateFileBehindALinkHasOneSession) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string session = test::command_path() + " session run --state ";
  for (const char* other : {"kept/states", "again"}) {
    const auto second =
        run_shell(folder,
                  "rm -rf kept link again in out; mkdir kept; ln -s kept/states link; "
                  "ln -s link again; mkfifo in; " +
                      session + "link < in > out & exec 9> in; echo i1 >&9; " + wait_until("[ -s out ]") +
                      "echo i2 | " + session + other + "; code=$?; exec 9>&-; wait; exit $code");
    EXPECT_EQ(second.code, 2) << other;
    EXPECT_NE(second.err.find("is in use by another session"), std::string::npos) << second.err;
  }
}

// Regression: the failed read was taken for the end of the lines, and for success.
TEST(HostileInputCommand, AStreamThatCannotBeReadIsNoEnd) {
  const TemporaryFolder folder;
  make_run(folder);
  for (const char* command : {"session run --state states < .", "recommend run --batch - < ."}) {
    const auto result = run_lrurec(folder, command);
    EXPECT_EQ(result.code, 5) << command;
    EXPECT_NE(result.err.find("cannot read standard input: Is a directory"), std::string::npos) << result.err;
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "states"));
}

TEST(HostileInputCommand, ASignalsExitCodeOutlivesBadLines) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto result = run_shell(folder, "mkfifo in; " + test::command_path() +
                                            " session run < in > out & exec 9> in; echo nope >&9; " +
                                            wait_until("[ -s out ]") +
                                            "kill -TERM $!; wait $!; "
                                            "code=$?; exec 9>&-; exit $code");
  EXPECT_EQ(result.code, 143);
  EXPECT_NE(result.err.find("warning: 1 event was left out"), std::string::npos) << result.err;
}

TEST(HostileInputCommand, IdsWithLineEndsStayInTheirLine) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string fake = "\"$(printf 'no\\nlrurec: error: fake')\"";
  for (const std::string& command :
       {"recommend run --items " + fake + ",i1", "recommend run --items " + fake,
        "recommend run --user " + fake, "inspect memory run --items " + fake + ",i1",
        "inspect memory run --user " + fake, "inspect memory run --items i1 --score " + fake}) {
    const auto result = run_lrurec(folder, command);
    EXPECT_NE(result.err.find("no\\nlrurec: error: fake"), std::string::npos) << command << result.err;
    EXPECT_EQ(result.err.find("\nlrurec: error: fake"), std::string::npos) << command << result.err;
  }
}

TEST(HostileInputCommand, DeepNestingIsAnErrorAndNoCrash) {
  const TemporaryFolder folder;
  make_run(folder);
  std::string deep = "a";
  for (int i = 0; i < 200000; ++i) deep += ".a";
  write_text(folder / "deep.toml", deep + " = 1\n");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o other --config deep.toml").code, 2);
  EXPECT_EQ(run_lrurec(folder, "sweep deep.toml -o other").code, 2);
  write_text(folder / "deep.toml", "x = " + nested(100000) + "\n");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o other --config deep.toml").code, 2);

  const std::string metrics = read_text(folder / "run/metrics.jsonl"),
                    about = read_text(folder / "run/run.json");
  write_text(folder / "run/metrics.jsonl",
             "{\"step\": 1, \"split\": \"val\", \"x\": " + nested(100000) + "}\n" + metrics);
  for (const char* command : {"report run --json", "train d.lrd -o run --resume --max-steps 20"}) {
    const auto result = run_lrurec(folder, command);
    EXPECT_EQ(result.code, 4) << command << result.err;
    EXPECT_NE(result.err.find("metrics.jsonl:1: the line is damaged"), std::string::npos) << result.err;
  }
  write_text(folder / "run/metrics.jsonl", metrics);
  write_text(folder / "run/run.json", "{\"x\": " + nested(100000) + "}");
  EXPECT_EQ(run_lrurec(folder, "report run").code, 4);
  write_text(folder / "run/run.json", about);
  write_text(folder / "run/evaluation-test.json", nested(100000));
  EXPECT_EQ(run_lrurec(folder, "report run").code, 4);
}

TEST(HostileInputCommand, LinesOfTheLogOfOtherTypesAreDamage) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string metrics = read_text(folder / "run/metrics.jsonl");
  for (const char* line : {"{\"step\": \"x\", \"split\": \"val\"}", "{\"step\": 1, \"split\": 5}",
                           "{\"step\": 1.5, \"split\": \"val\"}", "{}", "[1]", "nonsense"}) {
    write_text(folder / "run/metrics.jsonl", line + ("\n" + metrics));
    EXPECT_EQ(run_lrurec(folder, "report run").code, 4) << line;
    EXPECT_EQ(run_lrurec(folder, "train d.lrd -o run --resume --max-steps 20").code, 4) << line;
  }
  write_text(folder / "run/metrics.jsonl", metrics + "{\"step\": 10, \"spl");
  EXPECT_EQ(run_lrurec(folder, "report run").code, 0) << "what a crash cut off is left out";
}

TEST(HostileInputCommand, AStderrThatCannotBeWrittenEndsNothing) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = test::command_path();
  int n = 0;
  for (const char* to : {"2>/dev/full", "2>&-"}) {
    const std::string run = "run" + std::to_string(++n);
    const auto trained = run_shell(
        folder, lrurec + " train d.lrd -v --preset demo --hidden 8 --max-steps 4 -o " + run + " " + to);
    EXPECT_EQ(trained.code, 0) << to;
    EXPECT_EQ(run_shell(folder, lrurec + " evaluate " + run + " " + to).code, 0) << to;
    EXPECT_EQ(run_shell(folder, lrurec + " evaluate nothing " + to).code, 5) << to;
    EXPECT_EQ(run_shell(folder, lrurec + " evaluate --nonsense " + to).code, 2) << to;
  }
  // With the stream closed, the first file opened would take its number and its messages.
  EXPECT_EQ(
      run_shell(folder, lrurec + " prepare --demo -o fresh.lrd 2>&- && " + lrurec + " data stats fresh.lrd")
          .code,
      0);
  // The reader of the messages may go away.
  EXPECT_EQ(run_shell(folder,
                      "{ " + lrurec +
                          " train d.lrd -v --preset demo --hidden 8 --max-steps 40 -o piped 2>&1 >/dev/null; "
                          "echo $? > code; } | head -n 1")
                .code,
            0);
  EXPECT_EQ(read_text(folder / "code"), "0\n");
}

TEST(HostileInputCommand, PathsAndIdsAreBytes) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = test::command_path(), name = "'r\xE9sum\xE9'";
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o " + name + test::tiny_training).code, 0);
  EXPECT_EQ(run_lrurec(folder, "evaluate " + name + " --json").code, 0);
  EXPECT_EQ(run_lrurec(folder, "compare run " + name + " --json").code, 0);
  EXPECT_EQ(run_lrurec(folder, "report " + name).code, 0);
  EXPECT_EQ(run_lrurec(folder, "train d.lrd --json --resume --max-steps 12 -o " + name).code, 0);
  const auto items = run_lrurec(folder, "recommend run --items \"$(printf '\\377,i1')\" --json");
  EXPECT_EQ(items.code, 0) << items.err;
  // The data set under a path that is no UTF-8 is found again.
  ASSERT_EQ(
      run_shell(folder, "mv d.lrd '\xE9.lrd' && " + lrurec + " train '\xE9.lrd' -o odd" + test::tiny_training)
          .code,
      0);
  const auto odd = run_lrurec(folder, "evaluate odd");
  EXPECT_EQ(odd.code, 0) << odd.err;
}

TEST(HostileInputCommand, NamesFromFilesAreHarmlessOnATerminal) {
  const TemporaryFolder folder;
  std::string rows = "user_id:token\titem_id:token\ttimestamp:float\n";
  const std::string hostile =
      "\x1b]0;owned\a\xC2\x9B"
      "2J\xE2\x80\xAE=1+1";
  for (int u = 0; u < 20; ++u) {
    for (int t = 0; t < 8; ++t) {
      rows += "=u" + std::to_string(u) + "\t" + hostile + std::to_string((u + t) % 12) + "\t" +
              std::to_string(t) + "\n";
    }
  }
  write_text(folder / "raw.inter", rows);
  ASSERT_EQ(run_lrurec(folder, "prepare raw.inter -o d.lrd --filter none").code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run" + test::tiny_training).code, 0);
  write_text(folder / "run/evaluation-x.json", "{\"split\": \"" + std::string("\\u001b[31m") + "\"}");
  for (const char* command :
       {"recommend run --user =u1", "recommend run --user =u1 --json", "recommend run --user nobody",
        "recommend run --items nothing", "data stats d.lrd", "inspect eigen run", "evaluate run",
        "prepare raw.inter -o again.lrd --columns user=0,item=1,time=2 --filter none"}) {
    const auto result = run_lrurec(folder, command);
    for (const std::string& text : {result.out, result.err}) {
      for (const char* bad : {"\x1b", "\a", "\xC2\x9B", "\xE2\x80\xAE"}) {
        EXPECT_EQ(text.find(bad), std::string::npos) << command << "\n" << text;
      }
    }
  }
  ASSERT_EQ(run_lrurec(folder, "evaluate run --per-user ranks.csv").code, 0);
  EXPECT_NE(read_text(folder / "ranks.csv").find("\n'=u1,"), std::string::npos);
}

}  // namespace
}  // namespace lrurec
