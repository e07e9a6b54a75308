#pragma once
// cereal archives in memory, read back without trusting any size.
//
// cereal's own binary input allocates whatever a size tag says before it notices that the bytes are missing,
// and ignores bytes that are left over. This archive checks every size against the bytes that remain.

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"

namespace lrurec::nn {

class OutputArchive : public cereal::OutputArchive<OutputArchive, cereal::AllowEmptyClassElision> {
 public:
  /// Without `keep` the bytes are only counted.
  explicit OutputArchive(bool keep)
      : cereal::OutputArchive<OutputArchive, cereal::AllowEmptyClassElision>(this), keep_(keep) {}
  void write(const void* data, std::size_t size) {
    if (keep_ && size > 0) {
      const auto* first = static_cast<const std::byte*>(data);
      bytes_.insert(bytes_.end(), first, first + size);
    }
    size_ += size;
  }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  std::size_t size() const { return size_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  bool keep_;
  std::size_t size_ = 0;
  std::vector<std::byte> bytes_;
};

class InputArchive : public cereal::InputArchive<InputArchive, cereal::AllowEmptyClassElision> {
 public:
  InputArchive(Bytes bytes, std::string_view what)
      : cereal::InputArchive<InputArchive, cereal::AllowEmptyClassElision>(this),
        bytes_(bytes),
        what_(what) {}

  void read(void* data, std::size_t size) {
    need(size);
    if (size > 0) std::memcpy(data, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
  }
  /// Checks a count of elements. Each takes at least one byte, so there cannot be more than bytes left.
  void check_count(std::uint64_t count) const {
    if (count > bytes_.size()) damaged();
  }
  void need(std::size_t size) const {
    if (size > bytes_.size()) damaged();
  }
  void finish() const {
    if (!bytes_.empty()) damaged();
  }
  [[noreturn]] void damaged() const {
    fail(ErrorKind::file, "{} is damaged: its content does not add up", what_);
  }

 private:
  Bytes bytes_;
  std::string_view what_;
};

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const T& value) { archive.write(&value, sizeof(T)); }

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    std::uint8_t byte = 0;
    archive.read(&byte, 1);
    if (byte > 1) archive.damaged();  // any other bit pattern in a bool is undefined behaviour
    value = byte == 1;
  } else {
    archive.read(&value, sizeof(T));
  }
}

template <class Archive, class T>
CEREAL_ARCHIVE_RESTRICT(InputArchive, OutputArchive)
CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::SizeTag<T>& tag) {
  archive(static_cast<std::uint64_t>(tag.size));
}

template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::SizeTag<T>& tag) {
  std::uint64_t count = 0;
  archive(count);
  archive.check_count(count);
  tag.size = count;
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::BinaryData<T>& data) {
  archive.write(data.data, data.size);
}

/// cereal resizes a vector of numbers by its count before it asks for the bytes, so vectors and strings of
/// arithmetic types have their own loader below; this one serves fixed arrays.
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::BinaryData<T>& data) {
  archive.read(data.data, data.size);
}

template <class T, class A>
requires(std::is_arithmetic_v<T> &&
         !std::is_same_v<T, bool>) void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive,
                                                                  std::vector<T, A>& values) {
  std::uint64_t count = 0;
  archive(count);
  std::size_t size = 0;
  if (__builtin_mul_overflow(count, sizeof(T), &size)) archive.damaged();
  archive.need(size);
  values.resize(count);
  archive.read(values.data(), size);
}

/// A value as bytes; types need cereal's serialize() or save()/load().
template <class T>
std::vector<std::byte> to_bytes(const T& value) {
  // Counted first: a growing vector would hold a checkpoint of gigabytes twice.
  OutputArchive counter(false), archive(true);
  counter(value);
  archive.reserve(counter.size());
  archive(value);
  return archive.take();
}

/// The value back, read into `value`. Bytes that do not hold exactly one such value are ErrorKind::file
/// naming `what`; memory stays within a small multiple of the bytes given.
template <class T>
T from_bytes(Bytes bytes, std::string_view what, T value = {}) {
  InputArchive archive(bytes, what);
  try {
    archive(value);
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {  // sizes are checked against the bytes there are, so this is no damage
    throw;
  } catch (const std::exception&) {  // cereal's own complaints, length_error
    archive.damaged();
  }
  archive.finish();
  return value;
}

}  // namespace lrurec::nn

CEREAL_REGISTER_ARCHIVE(lrurec::nn::OutputArchive)
CEREAL_REGISTER_ARCHIVE(lrurec::nn::InputArchive)
CEREAL_SETUP_ARCHIVE_TRAITS(lrurec::nn::InputArchive, lrurec::nn::OutputArchive)
