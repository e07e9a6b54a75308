#pragma once
// The envelope around every binary file of the project. It says what the file is and shows damage before
// anything inside is used.
//
//   offset size
//        0    8  magic "LRUREC\r\n" (a text-mode transfer would change it)
//        8    8  kind, zero-padded ASCII: "dataset", "run"
//       16    4  format version of that kind
//       20    4  reserved, 0
//       24    8  payload length
//       32   16  XXH3-128 of the payload
//       48    8  XXH3-64 of bytes 0..47
//       56    -  payload
// All numbers are little-endian. A checksum shows damage, not tampering, so readers of the payload check it
// too.

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "nn/serialization/atomic_file.h"

namespace lrurec::nn {

/// Writes the payload in an envelope, atomically. `kind` has at most 8 characters.
void write_envelope(const std::filesystem::path& path, std::string_view kind, std::uint32_t version,
                    Bytes payload);

/// The payload of a file of this kind, with a version of at most `newest_version`; `version`, where given,
/// gets the file's. Another kind, a newer version, damage, missing or trailing bytes throw ErrorKind::file, a
/// missing file ErrorKind::io.
std::vector<std::byte> read_envelope(const std::filesystem::path& path, std::string_view kind,
                                     std::uint32_t newest_version, std::uint32_t* version = nullptr);

/// XXH3-128 of some bytes as 32 hexadecimal digits.
std::string fingerprint(Bytes bytes);

}  // namespace lrurec::nn
