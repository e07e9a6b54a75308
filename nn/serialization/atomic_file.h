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

/// What links lead to, though it need not be there: the file that a write replaces. /dev/stdout and the like
/// lead to whatever a stream is open on, which must not be exchanged under the stream: /dev/null.
std::filesystem::path followed(std::filesystem::path path);

/// Writes the parts one after the other to a temporary file in the same folder, flushes it to the disk,
/// renames it to `path` and flushes the folder. A failure (full disk, no permission) is ErrorKind::io naming
/// path and reason; the old file is then untouched and the temporary one gone. A link is followed; a device
/// or folder is refused. A file that was there keeps its permissions. Temporaries of killed writers of the
/// same file are removed.
void write_file_atomically(const std::filesystem::path& path, std::initializer_list<Bytes> parts);

/// Puts a file in the place of another one in the same folder, and flushes the folder: after a loss of power
/// it is one of the two.
void replace_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Adds a text to the end of a file, all of it or, on a full disk (ErrorKind::io), nothing.
void append_to_file(const std::filesystem::path& path, std::string_view text);

/// Removes temporaries that killed writers left in a folder (".NAME.tmp.PID" of processes that no longer
/// run), of all files or of one.
void remove_stale_temporaries(const std::filesystem::path& folder, std::string_view file_name = {});

/// A whole file; missing or unreadable is ErrorKind::io. More than `most` bytes is ErrorKind::file.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::uintmax_t most = UINTMAX_MAX);

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace lrurec::nn
