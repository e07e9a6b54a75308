#pragma once
// A data set as text again: to move it to another tool, or to try a reader.

#include <filesystem>

#include "lrurec/data/dataset.h"
#include "lrurec/data/readers.h"

namespace lrurec::data {

struct RawText {
  std::string text;
  std::int64_t repeats = 0;  ///< items that equal the one before
};

/// All interactions in a raw format. Times are whole seconds (steam: days) that go up by one with every item
/// of a user; ratings are 5. Reading the text gives the same sequences, with one exception: a filter may
/// leave an item that equals the one before, and prepare() drops it. Raw ids that the format cannot hold
/// (words, 0 or 007 in sasrec, delimiters) are ErrorKind::data; with `numbers`, users and items are written
/// as 1, 2, ... in the data set's order instead.
RawText raw_text(const Dataset& data, Format format, bool numbers = false);

/// Writes it to a file, atomically; returns the repeats.
std::int64_t write_raw(const Dataset& data, Format format, const std::filesystem::path& path,
                       bool numbers = false);

}  // namespace lrurec::data
