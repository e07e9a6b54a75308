#pragma once
// CUDA graphs: work of the stream recorded and then started as one, so that the host's launches and the
// pauses between kernels do not add up.

#include <cstdint>
#include <memory>

namespace lrurec::cuda {

/// What a recording becomes. The next one that starts by the same graph only puts its kernels and arguments
/// into it, where it has as many pieces of the same kinds in the same order.
class Graph {
 public:
  /// How often it was made anew: once, and once more for each recording that did not fit.
  std::int64_t made() const { return made_; }

 private:
  friend class Recording;
  std::shared_ptr<void> executable_;
  std::int64_t made_ = 0;
};

/// While one lives, kernels, products, copies and fills that are sent to the stream are recorded: nothing
/// runs. Bytes that go to the device are taken at once, as ever; asking for some that come from there, or
/// waiting, is ErrorKind::internal. What is freed goes back when the recording has ended. One at a time.
class Recording {
 public:
  Recording();
  /// Without start(): what was recorded is forgotten.
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// Ends the recording and sends it to the stream.
  void start(Graph& graph);

 private:
  bool ended_ = false;
};

}  // namespace lrurec::cuda
