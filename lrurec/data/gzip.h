#pragma once
// Text from a gzip file, checked against the checksums and lengths in its trailers, which libarchive's
// decoder ignores.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace lrurec::data {

class GzipReader {
 public:
  /// Whether a plain file begins as gzip does.
  static bool is_gzip(const std::filesystem::path& path);

  /// A file that cannot be read is ErrorKind::io.
  explicit GzipReader(const std::filesystem::path& path);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Reads text of all members, one after the other. Returns the number of bytes, 0 at the end. Data that are
  /// damaged, cut off, or of another checksum or length than their trailer says are a std::runtime_error with
  /// the reason; a failed read is ErrorKind::io.
  std::size_t read(std::span<char> into);
  /// At the end: how many bytes that are not gzip follow the last member. Zeros alone count as 0, since gzip
  /// ignores them too.
  std::uint64_t left_over() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lrurec::data
