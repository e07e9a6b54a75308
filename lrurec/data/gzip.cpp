#include "lrurec/data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

#include "tensor/error.h"

namespace lrurec::data {

struct GzipReader::State {
  std::string path;
  std::FILE* file = nullptr;
  z_stream stream{};
  std::vector<unsigned char> input = std::vector<unsigned char>(std::size_t{64} << 10);
  std::uint64_t left_over = 0;
  bool ended = false;

  ~State() {
    ::inflateEnd(&stream);
    if (file != nullptr) std::fclose(file);
  }

  /// Reads more, behind what is not decoded yet. Returns whether there was anything.
  bool refill() {
    std::memmove(input.data(), stream.next_in, stream.avail_in);
    stream.next_in = input.data();
    const std::size_t got =
        std::fread(input.data() + stream.avail_in, 1, input.size() - stream.avail_in, file);
    if (std::ferror(file) != 0) fail(ErrorKind::io, "cannot read {}: {}", path, std::strerror(errno));
    stream.avail_in += static_cast<uInt>(got);
    return got > 0;
  }

  /// Behind a member: whether another one follows.
  bool next_member() {
    while (stream.avail_in < 2 && refill()) {
    }
    if (stream.avail_in >= 2 && stream.next_in[0] == 0x1F && stream.next_in[1] == 0x8B) {
      ::inflateReset(&stream);
      return true;
    }
    std::uint64_t behind = 0;
    bool padding = true;  // zeros up to the end of a block, as tapes have them
    do {
      padding = padding && std::all_of(stream.next_in, stream.next_in + stream.avail_in,
                                       [](unsigned char c) { return c == 0; });
      behind += stream.avail_in;
      stream.avail_in = 0;
    } while (refill());
    left_over = padding ? 0 : behind;
    return false;
  }
};

bool GzipReader::is_gzip(const std::filesystem::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  const bool found = std::fgetc(file) == 0x1F && std::fgetc(file) == 0x8B;
  std::fclose(file);
  return found;
}

GzipReader::GzipReader(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  state_->path = path.string();
  state_->file = std::fopen(path.c_str(), "rb");
  if (state_->file == nullptr) {
    fail(ErrorKind::io, "cannot read {}: {}", state_->path, std::strerror(errno));
  }
  state_->stream.next_in = state_->input.data();
  constexpr int gzip_alone = 15 + 16;  // the largest window; see zlib.h
  if (::inflateInit2(&state_->stream, gzip_alone) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() = default;

std::size_t GzipReader::read(std::span<char> into) {
  State& s = *state_;
  s.stream.next_out = reinterpret_cast<unsigned char*>(into.data());
  s.stream.avail_out = static_cast<uInt>(into.size());
  while (!s.ended && s.stream.avail_out == into.size()) {
    if (s.stream.avail_in == 0 && !s.refill()) throw std::runtime_error("its end is missing");
    const int code = ::inflate(&s.stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      s.ended = !s.next_member();
    } else if (code == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      throw std::runtime_error(s.stream.msg != nullptr ? s.stream.msg : "it is no gzip data");
    }
  }
  return into.size() - s.stream.avail_out;
}

std::uint64_t GzipReader::left_over() const { return state_->left_over; }

}  // namespace lrurec::data
