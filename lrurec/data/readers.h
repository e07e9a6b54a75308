#pragma once
// Raw formats.

#include <filesystem>
#include <string>
#include <vector>

#include "lrurec/data/interactions.h"

namespace lrurec::data {

enum class Format {
  sasrec,  ///< "user item" a line, positive whole numbers, each user's items in time order
  inter,   ///< RecBole's atomic file: tab-separated, a header of name:type, user_id, item_id and timestamp
};
std::string_view name(Format format);

/// Reads a file in a known format. A malformed line is ErrorKind::data with file:line:column and the text.
Interactions read_interactions(const std::filesystem::path& path, Format format);

/// The format a file seems to have, by its first line; ErrorKind::data naming --format when it fits none,
/// ErrorKind::usage for a pipe, which can be read only once.
struct Sniffed {
  Format format;
  std::string why;
};
Sniffed sniff_format(const std::filesystem::path& path);

}  // namespace lrurec::data
