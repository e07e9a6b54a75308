#pragma once

namespace lrurec::cuda {

// While the stream records, the rest of the runtime works differently: memory comes from another stream,
// freed memory is kept, and copies to the device read page-locked memory that nothing else may write until
// they have run.
void recording_begins();
/// What was recorded is in the stream, or was dropped.
void recording_ended();
/// Throws where the host would have to wait for the stream.
void refuse_while_recording(const char* what);

}  // namespace lrurec::cuda
