#include "tests/fuzz/targets.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "lrurec/config/config.h"
#include "lrurec/data/demo.h"
#include "lrurec/data/prepare.h"
#include "lrurec/data/readers.h"
#include "lrurec/data/titles.h"
#include "lrurec/exchange/weights.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/report/report.h"
#include "lrurec/serve/desk.h"
#include "lrurec/serve/event_line.h"
#include "lrurec/sweep/plan.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/util/json.h"
#include "nn/serialization/envelope.h"
#include "tests/support/data.h"

namespace lrurec::fuzz {
namespace {

using Input = std::span<const std::uint8_t>;

/// Runs f. An error that a user may get for a bad file passes; any other is a bug.
template <class F>
void expecting_errors(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::internal) return;
    std::fprintf(stderr, "an internal error came of what was read: %s\n", e.what());
    std::abort();
  }
}

/// A file of these bytes that is never on a disk.
class MemoryFile {
 public:
  explicit MemoryFile(Input bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t written = ::write(file_, bytes.data() + at, bytes.size() - at);
      if (written <= 0) std::abort();
      at += static_cast<std::size_t>(written);
    }
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// A folder in memory, emptied for each input.
const std::filesystem::path& folder() {
  static const auto* path = [] {  // never destroyed: it is needed while the program ends
    const std::filesystem::path shared = "/dev/shm";
    std::string pattern =
        ((std::filesystem::exists(shared) ? shared : std::filesystem::temp_directory_path()) /
         "lrurec-fuzz-XXXXXX")
            .string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove_all(folder(), ignored);
    });
    return new std::filesystem::path(pattern);
  }();
  return *path;
}

/// The bytes as the payload of an envelope with a right checksum: a forged file, not a damaged one.
std::filesystem::path enveloped(std::string_view kind, std::uint32_t version, Input payload) {
  const auto path = folder() / "file";
  nn::write_envelope(path, kind, version, std::as_bytes(payload));
  return path;
}

const data::Dataset& catalogue_data() {
  static const data::Dataset data = test::small_demo();
  return data;
}
const model::LRURec& model() {
  static const model::LRURec instance({.num_items = catalogue_data().items(), .hidden = 4, .channels = 6}, 1);
  return instance;
}

std::string text(Input input) { return {reinterpret_cast<const char*>(input.data()), input.size()}; }

void use(const data::Dataset& data) {
  for (std::int64_t u = 0; u < std::min<std::int64_t>(data.users(), 100); ++u) {
    (void)data.user_name(u), (void)data.train(u);
    for (const auto split : {data::Split::validation, data::Split::test}) {
      if (data.evaluated(u, split)) (void)data.target(u, split);
    }
  }
  for (std::int32_t i = 1; i <= std::min<std::int64_t>(data.items(), 100); ++i) {
    (void)data.item_name(i), (void)data.item_title(i);
  }
  (void)data.fingerprint();
}

/// The first byte chooses the format, the rest is the file.
void readers(Input input) {
  if (input.empty()) return;
  const auto& formats = data::formats();
  data::ReadOptions options;
  const std::size_t choice = input[0] % (formats.size() + 3);
  options.with_rating = (input[0] & 0x80U) != 0;
  options.skip = (input[0] & 0x40U) != 0 ? 3 : 0;
  const MemoryFile file(input.subspan(1));
  if (choice == formats.size() + 2) {
    static const data::Dataset plain = data::make_demo({.users = 5, .items = 32, .mean_length = 5});
    data::Dataset titled = plain;
    expecting_errors([&] { data::read_titles(titled, file.path()); });
    return use(titled);
  }
  expecting_errors([&] {
    if (choice < formats.size()) {
      options.format = formats[choice];
    } else if (choice == formats.size()) {
      options.format = data::Format::columns;
      options.columns = data::Columns::parse("user=0,item=1,time=2");
    } else {
      const auto sniffed = data::sniff_format(file.path());
      options.format = sniffed.format;
      options.columns = sniffed.columns;
    }
    const auto rows = data::read_interactions(file.path(), options);
    data::prepare(rows, data::Filter::parse("once:2"), data::Ties::hash);
  });
}

void dataset(Input input) {
  if (input.empty()) return;
  const auto path = enveloped("dataset", 1 + input[0] % 3, input.subspan(1));
  expecting_errors([&] { use(data::Dataset::load(path)); });
}

void envelope(Input input) {
  const MemoryFile file(input);
  for (const char* kind : {"dataset", "run", "sessions", "weights"}) {
    expecting_errors([&] { nn::read_envelope(file.path(), kind, 2); });
  }
  expecting_errors([&] { data::Dataset::load(file.path()); });
  expecting_errors([&] { train::Checkpoint::load(file.path()); });
}

void checkpoint(Input input) {
  if (input.empty()) return;
  const auto path = enveloped("run", 1 + input[0] % 2, input.subspan(1));
  expecting_errors([&] { train::load_model(train::Checkpoint::load(path), path.string()); });
}

void safetensors(Input input) {
  const MemoryFile file(input);
  expecting_errors([&] {
    const auto weights = exchange::read_weights(file.path());
    model::LRURec other(weights.config, 1);
    weights.load_into(other);
  });
}

void sessions(Input input) {
  static const model::IncrementalModel incremental(model());
  for (const std::uint32_t version : {1U, 2U}) {
    const auto path = enveloped("sessions", version, input);
    serve::SessionStore store(incremental, "weights", /*exclude_seen=*/true);
    expecting_errors([&] { store.load(path); });
  }
}

void events(Input input) {
  static const model::IncrementalModel incremental(model());
  static const serve::Catalogue catalogue(catalogue_data());
  serve::SessionStore store(incremental, "weights", /*exclude_seen=*/true);
  const std::string all = text(input);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    if (end > at) lines.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  serve::answer_events(lines, {3}, catalogue, store, [](const serve::EventAnswer&) {});
}

void requests(Input input) {
  static const serve::Desk desk(catalogue_data(), model(), {5, "all", {}, 10, false});
  std::vector<serve::Asked> asked;
  const std::string all = text(input);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    asked.push_back(desk.parse(all.substr(at, end - at)));
    at = end + 1;
  }
  for (const auto& answer : desk.answer(asked)) (void)util::json_text(answer);
  desk.answer_lines(asked, [](const std::string&) {});
}

void toml(Input input) {
  expecting_errors([&] {
    config::TrainConfig config;
    config::parse_toml(config, text(input), "config");
    config::TrainConfig again;
    config::parse_saved(again, config::to_toml(config), "what was written");
  });
  expecting_errors([&] { sweep::parse_plan(text(input), "plan", "."); });
}

/// metrics.jsonl, and after a NUL byte run.json and an evaluation.
void metrics(Input input) {
  const std::string all = text(input);
  const std::size_t cut = std::min(all.find('\0'), all.size());
  static const train::RunFolder run = train::RunFolder::create(folder() / "run");
  const auto write = [](const char* name, std::string_view content) {
    nn::write_file_atomically(run.path() / name, {nn::as_bytes(content)});
  };
  write("metrics.jsonl", std::string_view(all).substr(0, cut));
  write("eigenvalues.jsonl", std::string_view(all).substr(0, cut));
  const std::string_view rest = std::string_view(all).substr(std::min(cut + 1, all.size()));
  write("run.json", rest), write("evaluation-test.json", rest);
  expecting_errors([&] { run.write_metrics_table(); });
  expecting_errors([&] { run.cut_log(5); });
  expecting_errors([&] { (void)run.eigenvalue_lines(); });
  expecting_errors([&] { (void)run.data_path(); });
  expecting_errors([&] {
    report::page({{{"name", "x"}, {"about", run.description()}, {"evaluations", run.evaluations()}}});
  });
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> all{
      {"readers", readers},       {"dataset", dataset},         {"envelope", envelope},
      {"checkpoint", checkpoint}, {"safetensors", safetensors}, {"sessions", sessions},
      {"events", events},         {"requests", requests},       {"toml", toml},
      {"metrics", metrics}};
  return all;
}

std::vector<std::byte> session_seed() {
  const model::IncrementalModel incremental(model());
  serve::SessionStore store(incremental, "weights", /*exclude_seen=*/true);
  for (const int item : {3, 1, 2}) store.observe("a", item), store.observe("", item + 1);
  store.save(folder() / "file");
  return nn::read_envelope(folder() / "file", "sessions", 2);
}

const Target* find(std::string_view name) {
  for (const auto& target : targets()) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

}  // namespace lrurec::fuzz
