#include "nn/serialization/envelope.h"

#include <xxhash.h>

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "tensor/error.h"

namespace lrurec::nn {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian, and written as memory lies");

constexpr std::size_t kind_size = 8;

struct Header {
  std::array<char, 8> magic;
  std::array<char, kind_size> kind;
  std::uint32_t version;
  std::uint32_t reserved;
  std::uint64_t length;
  std::uint64_t payload_low, payload_high;
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == 56 && std::is_trivially_copyable_v<Header>);

constexpr std::array<char, 8> magic{'L', 'R', 'U', 'R', 'E', 'C', '\r', '\n'};

std::uint64_t checksum_of(const Header& header) { return XXH3_64bits(&header, offsetof(Header, checksum)); }

/// How a file of this kind is made, for the error where another one was given.
std::string_view origin(std::string_view kind) {
  if (kind == "dataset") return "; lrurec prepare makes one of raw logs";
  return "";
}

std::string kind_name(const Header& header) {
  return {header.kind.data(), ::strnlen(header.kind.data(), header.kind.size())};
}

}  // namespace

void write_envelope(const std::filesystem::path& path, std::string_view kind, std::uint32_t version,
                    Bytes payload) {
  if (kind.size() > kind_size)
    fail_op("write_envelope", "kind '{}' has more than {} characters", kind, kind_size);
  const XXH128_hash_t hash = XXH3_128bits(payload.data(), payload.size());
  Header header{magic, {}, version, 0, payload.size(), hash.low64, hash.high64, 0};
  std::copy(kind.begin(), kind.end(), header.kind.begin());
  header.checksum = checksum_of(header);
  write_file_atomically(path, {std::as_bytes(std::span(&header, 1)), payload});
}

std::vector<std::byte> read_envelope(const std::filesystem::path& path, std::string_view kind,
                                     std::uint32_t newest_version, std::uint32_t* version) {
  std::vector<std::byte> bytes = read_file(path);
  Header header{};
  const std::string file = path.string();
  if (bytes.size() < sizeof(Header)) {
    fail(ErrorKind::file, "{} is not a {} file of lrurec, or was cut off: it has only {} bytes{}", file, kind,
         bytes.size(), origin(kind));
  }
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (header.magic != magic) {
    fail(ErrorKind::file, "{} is not a {} file of lrurec{}", file, kind, origin(kind));
  }
  if (header.checksum != checksum_of(header)) {
    if (header.version > newest_version) {
      fail(ErrorKind::file,
           "{} has format version {} (this lrurec reads up to {}), or is damaged: the checksum of its header "
           "differs; use "
           "a newer lrurec or a backup",
           file, header.version, newest_version);
    }
    fail(ErrorKind::file, "{} is damaged: the checksum of its header differs; use a backup or make it again",
         file);
  }
  if (kind_name(header) != kind) {
    fail(ErrorKind::file, "{} is a {} file, a {} file is needed{}", file, kind_name(header), kind,
         origin(kind));
  }
  if (header.version > newest_version || header.version == 0) {
    fail(ErrorKind::file, "{} has format version {}, this lrurec reads up to {}; use a newer lrurec", file,
         header.version, newest_version);
  }
  const std::size_t length = bytes.size() - sizeof(Header);
  if (header.length != length) {
    fail(ErrorKind::file, "{} is damaged: {} bytes of content instead of {}; use a backup or make it again",
         file, length, header.length);
  }
  bytes.erase(bytes.begin(), bytes.begin() + sizeof(Header));
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  if (hash.low64 != header.payload_low || hash.high64 != header.payload_high) {
    fail(ErrorKind::file, "{} is damaged: the checksum of its content differs; use a backup or make it again",
         file);
  }
  if (version != nullptr) *version = header.version;
  return bytes;
}

std::string fingerprint(Bytes bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace lrurec::nn
