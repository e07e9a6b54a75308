#pragma once
// Files that are either the old ones or the new ones, never half of each.

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace lrurec::nn {

using Bytes = std::span<const std::byte>;

/// Writes the parts one after the other to a temporary file in the same folder, flushes it to the disk,
/// renames it to `path` and flushes the folder. A failure (full disk, no permission) is ErrorKind::io naming
/// path and reason; the old file is then untouched and the temporary one gone. A link is followed; a device
/// or folder is refused.
void write_file_atomically(const std::filesystem::path& path, std::initializer_list<Bytes> parts);

/// Removes temporaries that killed writers left in a folder (".NAME.tmp.PID" of processes that no longer
/// run).
void remove_stale_temporaries(const std::filesystem::path& folder);

/// A whole file; missing or unreadable is ErrorKind::io. More than `most` bytes is ErrorKind::file.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::uintmax_t most = UINTMAX_MAX);

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace lrurec::nn
