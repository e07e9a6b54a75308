#pragma once
// Lines of a text file, plain or compressed.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lrurec/data/gzip.h"
#include "tensor/error.h"

namespace lrurec::data {

/// What a file is expected to hold: which of several files in an archive is meant, and which texts it may
/// have.
enum class TextKind {
  interactions,  ///< ratings.dat, ratings.csv or u.data; UTF-8
  titles,  ///< movies.dat, movies.csv or u.item; lines that are not UTF-8 are Latin-1, as MovieLens has them
};

/// One line cannot be read; the lines after it can.
class BadLine : public Error {
 public:
  using Error::Error;
};

/// Reads lines of a plain, gz (also of several members), xz, bz2 or zst file, or of one file of a zip
/// archive, in bounded memory. A byte-order mark, carriage returns before the line feed and a missing last
/// line feed make no difference.
///
/// `member` names one of several files in an archive, by its path or by the last part of it; a whole path
/// that fits comes first. If it is empty, the archive must hold one file alone, or one with a name of
/// MovieLens (TextKind).
///
/// Errors:
///
///   data   with file and line: lines longer than 1 MiB, NUL bytes and text that is not UTF-8 (both a
///          BadLine), UTF-16, more than 16 GiB of text, damaged compression, a zip that lacks its list of
///          files or a file of the list, and bytes left over behind compressed data
///   usage  a zip that comes through a pipe, a `member` that does not name one file, and a data set of lrurec
///   io     a missing or unreadable file
///
/// Zeros left over behind a gz, or behind what comes through a pipe, are no error. A gz that comes through a
/// pipe is not checked against its checksums.
class LineSource {
 public:
  explicit LineSource(const std::filesystem::path& path, const std::string& member = {},
                      TextKind kind = TextKind::interactions);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  /// The next line without its end, valid until the next call; nothing after the last one.
  std::optional<std::string_view> next();
  /// Number of the line that next() gave last, from 1.
  std::int64_t line_number() const { return line_; }
  const std::string& path() const { return path_; }

  /// Throws a BadLine of ErrorKind::data: "PATH:LINE:COLUMN: what: 'the line'". `column` counts bytes from 1.
  [[noreturn]] void fail_at(std::size_t column, std::string_view what, std::string_view line) const;

 private:
  struct Archive;
  bool refill();
  std::size_t read(std::size_t have);
  void check_nothing_left() const;
  void refuse_other_files(std::string_view first_line) const;
  bool is_zip() const;
  void reopen();
  /// The files of a zip archive, by their paths inside. Reads to its end.
  std::vector<std::string> members();
  void open_member(const std::string& member);
  [[noreturn]] void fail_archive() const;
  [[noreturn]] void fail_damaged(std::string_view why) const;

  std::string path_;
  TextKind kind_;
  std::string converted_;  ///< the line, where it was Latin-1
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<GzipReader> gzip_;  ///< in its place for a gz file
  std::string buffer_;                ///< text read and not yet given out starts at begin_
  std::size_t begin_ = 0;
  std::int64_t line_ = 0;
  std::uint64_t total_ = 0;
  std::optional<std::uint64_t> file_size_;  ///< of a regular file
  bool ended_ = false;
};

}  // namespace lrurec::data
