#pragma once
// Recording in the emulator: pieces of work are kept as functions until they are started.

#include <cstddef>
#include <functional>

namespace lrurec::cuda::emulator {

/// The kinds of work that the update of a CUDA graph tells apart.
enum class Work { kernel, copy_to_device, copy_on_device, fill };

/// Runs a piece of work now, or records it.
void submit(Work kind, std::function<void()> work);
bool recording();
/// Throws, for what cannot be recorded since it would have to wait.
void refuse_while_recording(const char* what);

/// Keeps a block of device memory until the recording has run; false where nothing is being recorded.
bool free_later(void* block, std::size_t bytes);
/// Pieces of work that were recorded and then run.
std::int64_t replayed();

}  // namespace lrurec::cuda::emulator
