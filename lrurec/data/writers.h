#pragma once
// A data set as text again: to move it to another tool, or to try a reader.

#include <filesystem>

#include "lrurec/data/dataset.h"
#include "lrurec/data/readers.h"

namespace lrurec::data {

/// Writes all interactions in a raw format, atomically. Times are whole seconds (steam: days), one further
/// with every item of a user; ratings are 5. Reading the file gives the same sequences, but for an item that
/// follows itself, as a filter may leave it: readers drop the second. Returns how many do. Raw ids that the
/// format cannot hold (words, 0 or 007 in sasrec, delimiters) are ErrorKind::data; with `numbers`, users and
/// items are written as 1, 2, ... in the data set's order instead.
std::int64_t write_raw(const Dataset& data, Format format, const std::filesystem::path& path,
                       bool numbers = false);

}  // namespace lrurec::data
