#pragma once
// CUDA graphs: work of the stream is recorded and then started as one piece, which saves the host's launches
// and the pauses between kernels.

#include <cstdint>
#include <memory>

namespace lrurec::cuda {

/// A recording that can be started. The next recording that starts by the same graph only puts its kernels
/// and arguments into it, where it has as many pieces of the same kinds in the same order.
class Graph {
 public:
  /// How often it was made: once, and once more for each recording that did not fit.
  std::int64_t made() const { return made_; }

 private:
  friend class Recording;
  std::shared_ptr<void> executable_;
  std::int64_t made_ = 0;
};

/// While one lives, kernels, products, copies and fills that are sent to the stream are recorded and do not
/// run. Bytes for the device are taken from the host at once, as always. Reading from the device, or waiting
/// for it, throws ErrorKind::internal. Memory that is freed goes back when the recording has ended. Only one
/// at a time.
class Recording {
 public:
  Recording();
  /// Without start() before it, drops what was recorded.
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// Ends the recording and sends it to the stream.
  void start(Graph& graph);

 private:
  bool ended_ = false;
};

}  // namespace lrurec::cuda
