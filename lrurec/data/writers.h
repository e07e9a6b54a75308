#pragma once
// A data set as text again: to move it to another tool, or to try a reader.

#include <filesystem>

#include "lrurec/data/dataset.h"
#include "lrurec/data/readers.h"

namespace lrurec::data {

/// Writes all interactions in a raw format, atomically. Times are whole seconds (steam: days), one further
/// with every item of a user; ratings are 5. Reading the file gives the same sequences. Raw ids that the
/// format cannot hold (words in sasrec, delimiters) are ErrorKind::data; with `numbers`, users and items are
/// written as 1, 2, ... in the data set's order instead.
void write_raw(const Dataset& data, Format format, const std::filesystem::path& path, bool numbers = false);

}  // namespace lrurec::data
