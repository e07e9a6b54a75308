#pragma once
// Writing files so that a reader finds the old one or the new one, never half of each.

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace lrurec::nn {

using Bytes = std::span<const std::byte>;

/// Where a path leads through links: the file that a write replaces, which need not exist. /dev/stdout and
/// the like lead to what a stream is open on, which must not be replaced under the stream: they give
/// /dev/null.
std::filesystem::path followed(std::filesystem::path path);

/// Writes the parts one after the other to a temporary file in the same folder, flushes it to the disk,
/// renames it to `path` and flushes the folder. A failure (full disk, no permission) throws ErrorKind::io
/// with path and reason; the old file is then untouched and the temporary one gone. A link is followed; a
/// device or folder is refused. The new file gets the permissions of the old one. Temporary files of killed
/// writers of the same file are removed.
void write_file_atomically(const std::filesystem::path& path, std::initializer_list<Bytes> parts);

/// Renames `from` to `to`, in the same folder, and flushes the folder. After a loss of power, `to` is one of
/// the two files.
void replace_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Adds a text to the end of a file: all of it, or where the disk is full (ErrorKind::io) nothing.
void append_to_file(const std::filesystem::path& path, std::string_view text);

/// Removes the temporary files that killed writers left in a folder (".NAME.tmp.PID" of processes that no
/// longer run), for all files or for one.
void remove_stale_temporaries(const std::filesystem::path& folder, std::string_view file_name = {});

/// Reads a whole file. A missing or unreadable file throws ErrorKind::io, more than `most` bytes
/// ErrorKind::file.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::uintmax_t most = UINTMAX_MAX);

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace lrurec::nn
