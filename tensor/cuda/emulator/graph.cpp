#include "tensor/cuda/graph.h"

#include <utility>
#include <vector>

#include "tensor/cuda/emulator/graph.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace lrurec::cuda {
namespace emulator {
namespace {

struct Piece {
  Work kind;
  std::function<void()> run;
};

struct Recorder {
  bool on = false;
  std::vector<Piece> pieces;
  std::vector<std::pair<void*, std::size_t>> freed;
  std::int64_t replayed = 0;
};

Recorder& recorder() {
  static auto* instance = new Recorder;  // never destroyed: tensors may outlive it
  return *instance;
}

void end() {
  recorder().on = false;
  recorder().pieces.clear();
  for (const auto& [block, bytes] : std::exchange(recorder().freed, {})) free(block, bytes);
}

/// The kinds of work that an update of a graph must have again.
struct Executable {
  std::vector<Work> kinds;
};

}  // namespace

void submit(Work kind, std::function<void()> work) {
  if (!recorder().on) return work();
  recorder().pieces.push_back({kind, std::move(work)});
}
bool recording() { return recorder().on; }

void refuse_while_recording(const char* what) {
  if (recorder().on) fail(ErrorKind::internal, "[{}] a recording cannot wait for the GPU", what);
}

bool free_later(void* block, std::size_t bytes) {
  if (recorder().on) recorder().freed.emplace_back(block, bytes);
  return recorder().on;
}

std::int64_t replayed() { return recorder().replayed; }

}  // namespace emulator

using emulator::recorder;

Recording::Recording() {
  emulator::refuse_while_recording("record");
  recorder().on = true;
}

Recording::~Recording() {
  if (!ended_) emulator::end();
}

void Recording::start(Graph& graph) {
  ended_ = true;
  const std::vector<emulator::Piece> pieces = std::exchange(recorder().pieces, {});
  recorder().on = false;
  emulator::Executable recorded;
  for (const auto& piece : pieces) recorded.kinds.push_back(piece.kind);
  const auto* executable = static_cast<const emulator::Executable*>(graph.executable_.get());
  if (executable == nullptr || executable->kinds != recorded.kinds) {
    graph.executable_ = std::make_shared<emulator::Executable>(std::move(recorded));
    ++graph.made_;
  }
  try {
    for (const auto& piece : pieces) piece.run();
  } catch (...) {
    emulator::end();
    throw;
  }
  recorder().replayed += std::ssize(pieces);
  emulator::end();
}

}  // namespace lrurec::cuda
