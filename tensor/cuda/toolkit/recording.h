#pragma once

namespace lrurec::cuda {

// What the rest of the runtime does otherwise while the stream records: memory comes from another stream,
// what is freed is kept, and copies to the device read page-locked memory that nothing else may write before
// they have run.
void recording_begins();
/// What was recorded is in the stream, or forgotten.
void recording_ended();
/// Throws where the host would have to wait for the stream.
void refuse_while_recording(const char* what);

}  // namespace lrurec::cuda
