#pragma once
// Text out of a gzip file, with what its trailers promise checked: libarchive's decoder passes over them.

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

  /// Bytes of text, of all members one after the other; 0 at their end. What is damaged, cut off or has
  /// another checksum or length than its trailer says is a std::runtime_error with the reason; reading is
  /// ErrorKind::io.
  std::size_t read(std::span<char> into);
  /// At the end: bytes behind the last member, which are not gzip; 0 where they are zeros alone, which gzip
  /// passes over too.
  std::uint64_t left_over() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lrurec::data
