// CUDA graphs by stream capture.

#include "tensor/cuda/graph.h"

#include "tensor/cuda/toolkit/check.h"
#include "tensor/cuda/toolkit/recording.h"

namespace lrurec::cuda {
namespace {

std::shared_ptr<void> instantiate(cudaGraph_t recorded) {
  cudaGraphExec_t executable = nullptr;
  check("make a graph", cudaGraphInstantiate(&executable, recorded, 0));
  // The driver frees a graph that still runs when it has ended.
  return {executable, [](void* e) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(e)); }};
}

/// Whether the recording's kernels and arguments are now those of the executable graph.
bool update(void* executable, cudaGraph_t recorded) {
  if (executable == nullptr) return false;
  cudaGraphExecUpdateResultInfo result{};
  const cudaError_t code = cudaGraphExecUpdate(static_cast<cudaGraphExec_t>(executable), recorded, &result);
  if (code == cudaErrorGraphExecUpdateFailure) {
    cudaGetLastError();  // the next check must not see it
    return false;
  }
  check("update a graph", code);
  return true;
}

}  // namespace

Recording::Recording() {
  refuse_while_recording("record");
  // Relaxed: only calls that touch this stream are restricted, so memory can be allocated in another.
  check("record", cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed));
  recording_begins();
}

Recording::~Recording() {
  if (ended_) return;
  cudaGraph_t forgotten = nullptr;
  cudaStreamEndCapture(stream(), &forgotten);
  if (forgotten != nullptr) cudaGraphDestroy(forgotten);
  cudaGetLastError();
  try {
    recording_ended();
  } catch (...) {  // the error that ended the recording is on its way
  }
}

void Recording::start(Graph& graph) {
  cudaGraph_t recorded = nullptr;
  check("record", cudaStreamEndCapture(stream(), &recorded));
  ended_ = true;
  const std::unique_ptr<CUgraph_st, decltype(&cudaGraphDestroy)> owner(recorded, &cudaGraphDestroy);
  try {
    if (!update(graph.executable_.get(), recorded)) {
      graph.executable_ = instantiate(recorded);
      ++graph.made_;
    }
    check("start a graph", cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph.executable_.get()), stream()));
  } catch (...) {
    recording_ended();
    throw;
  }
  recording_ended();
}

}  // namespace lrurec::cuda
