#include "lrurec/data/line_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <locale.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <stdexcept>

#include "lrurec/util/text.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

constexpr std::size_t longest_line = std::size_t{1} << 20;
constexpr std::uint64_t most_text = std::uint64_t{16} << 30;
constexpr std::size_t block = std::size_t{256} << 10;

/// libarchive turns names within archives into the locale's characters, and gives up in that of a plain C
/// program.
class Utf8Names {
 public:
  Utf8Names() : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (utf8_ != nullptr) before_ = ::uselocale(utf8_);
  }
  ~Utf8Names() {
    if (utf8_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(utf8_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t utf8_, before_ = nullptr;
};

std::string path_of(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  return name == nullptr ? "?" : name;
}

/// How many files and folders the record at the end of a zip archive promises. Nothing if there is no record,
/// as in an archive that was cut off.
std::optional<std::size_t> promised_entries(const std::string& path, std::uint64_t file_size) {
  constexpr std::uint64_t record = 22, longest_comment = 65535;
  if (file_size < record) return std::nullopt;
  std::string tail(std::min(file_size, record + longest_comment), '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(-std::ssize(tail), std::ios::end);
  file.read(tail.data(), std::ssize(tail));
  const auto at = tail.rfind("PK\5\6", tail.size() - record);
  if (!file || at == std::string::npos) return std::nullopt;
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(tail[at + i])}; };
  return byte(10) + 256 * byte(11);
}

}  // namespace

struct LineSource::Archive {
  archive* handle = archive_read_new();
  Archive() = default;
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive() {
    archive_read_free(handle);
    if (pipe >= 0) ::close(pipe);
  }

  bool failed = false;
  int pipe = -1;
  std::vector<char> taken;      ///< the last block read from it
  std::uint64_t delivered = 0;  ///< bytes read from it

  /// The next file or folder of an archive; null behind the last one, or where it has failed.
  archive_entry* next_entry() {
    archive_entry* entry = nullptr;
    const int code = failed ? ARCHIVE_FATAL : archive_read_next_header(handle, &entry);
    // A name that could not be turned into characters is a warning; the data are there.
    if (code == ARCHIVE_OK || code == ARCHIVE_WARN) return entry;
    failed = code != ARCHIVE_EOF;
    return nullptr;
  }

  /// Reads the next bytes of the pipe. Returns 0 at its end; on an error a negative number, and the handle is
  /// told why.
  la_ssize_t read_pipe() {
    taken.resize(block);
    ssize_t got = 0;
    do {
      got = ::read(pipe, taken.data(), taken.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) archive_set_error(handle, errno, "%s", std::strerror(errno));
    taken.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    delivered += taken.size();
    return got;
  }
  /// Whether the pipe has more than zeros behind the first `used` bytes.
  bool more_behind(std::uint64_t used) {
    const auto zero = [](char c) { return c == 0; };
    const std::uint64_t left = delivered - std::min(used, delivered);
    if (left > taken.size()) return true;
    bool more = !std::all_of(taken.end() - static_cast<std::ptrdiff_t>(left), taken.end(), zero);
    while (!more && read_pipe() > 0) more = !std::all_of(taken.begin(), taken.end(), zero);
    return more;
  }

  void open(const std::string& path, bool is_pipe) {
    if (handle == nullptr) throw std::bad_alloc();
    // Not archive_read_support_filter_all(): it would run other programs (lrzip, grzip, ...) on data that
    // look like theirs, and decode a text that begins like a uuencoded one.
    archive_read_support_filter_gzip(handle);
    archive_read_support_filter_bzip2(handle);
    archive_read_support_filter_xz(handle);
    archive_read_support_filter_lzma(handle);
    archive_read_support_filter_zstd(handle);
    archive_read_support_format_empty(handle);
    archive_read_support_format_raw(handle);
    archive_read_support_format_zip_streamable(handle);
    archive_read_support_format_zip_seekable(handle);
    if (!is_pipe) {
      failed = archive_read_open_filename(handle, path.c_str(), block) != ARCHIVE_OK;
      return;
    }
    pipe = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (pipe < 0) archive_set_error(handle, errno, "%s", std::strerror(errno));
    const auto read = [](archive*, void* self, const void** bytes) -> la_ssize_t {
      auto& own = *static_cast<Archive*>(self);
      const la_ssize_t got = own.read_pipe();
      *bytes = own.taken.data();
      return got;
    };
    failed = pipe < 0 || archive_read_open(handle, this, nullptr, read, nullptr) != ARCHIVE_OK;
  }
};

LineSource::LineSource(const std::filesystem::path& path, const std::string& member, TextKind kind)
    : path_(path.string()), kind_(kind), archive_(std::make_unique<Archive>()) {
  const Utf8Names names;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    fail(ErrorKind::io, "cannot read {}: there is no such file", path_);
  }
  if (error) fail(ErrorKind::io, "cannot read {}: {}", path_, error.message());
  if (std::filesystem::is_directory(status)) fail(ErrorKind::io, "cannot read {}: it is a folder", path_);
  if (std::filesystem::is_regular_file(status)) {
    file_size_ = std::filesystem::file_size(path);
    if (*file_size_ == 0) {
      ended_ = true;  // libarchive calls an empty file damaged
      return;
    }
  }
  if (file_size_ && GzipReader::is_gzip(path)) {
    if (!member.empty()) {
      fail(ErrorKind::usage, "{} is no zip archive, so there is no '{}' in it", path_, member);
    }
    gzip_ = std::make_unique<GzipReader>(path);
    return;
  }
  archive_->open(path_, /*is_pipe=*/!file_size_);
  if (archive_->failed) fail_archive();
  archive* handle = archive_->handle;
  archive_entry* entry = nullptr;
  const int header = archive_read_next_header(handle, &entry);
  // An end at once means a compressed file without text or an empty pipe, unless the decoder has a complaint.
  ended_ = header == ARCHIVE_EOF && archive_errno(handle) == 0;
  if (!ended_ && header != ARCHIVE_OK && header != ARCHIVE_WARN) fail_archive();
  if (is_zip()) {
    if (!file_size_) {
      fail(ErrorKind::usage, "{} is a zip archive, which can be read only from a file, not through a pipe",
           path_);
    }
    open_member(member);
    return;
  }
  if (!member.empty())
    fail(ErrorKind::usage, "{} is no zip archive, so there is no '{}' in it", path_, member);
  if (ended_) check_nothing_left();
}

bool LineSource::is_zip() const {
  return archive_->handle != nullptr &&
         (archive_format(archive_->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
}

void LineSource::reopen() {
  archive_ = std::make_unique<Archive>();
  archive_->open(path_, /*is_pipe=*/false);
}

// Where the list of files is missing, libarchive reads on from file to file and skips those that it does not
// find. If it finds one of two, that one would seem to be the only file.
std::vector<std::string> LineSource::members() {
  const auto promised = promised_entries(path_, *file_size_);
  if (!promised) fail_damaged("its list of files is missing");
  reopen();
  std::vector<std::string> names;
  std::size_t entries = 0;
  while (archive_entry* entry = archive_->next_entry()) {
    ++entries;
    const bool empty_folder = archive_entry_filetype(entry) == AE_IFDIR && archive_entry_size(entry) == 0;
    if (!empty_folder) names.push_back(path_of(entry));
  }
  if (archive_->failed) fail_archive();
  constexpr std::size_t not_said_here = 0xFFFF;  // of 65,535 files or more
  if (entries != *promised && *promised != not_said_here) {
    fail_damaged(fmt::format("it has {} files and folders, {} are listed", entries, *promised));
  }
  return names;
}

// The archive was opened to see what it is; what is wanted may lie further on.
void LineSource::open_member(const std::string& member) {
  const auto last_part = [](const std::string& name) {
    return std::filesystem::path(name).filename().string();
  };
  const std::vector<std::string> names = members();
  std::vector<std::string> wanted;
  for (const auto& name : names) {
    const std::string last = last_part(name);
    const bool known = kind_ == TextKind::titles
                           ? last == "movies.dat" || last == "movies.csv" || last == "u.item"
                           : last == "ratings.dat" || last == "ratings.csv" || last == "u.data";
    if (member.empty() ? names.size() == 1 || known : name == member || last == member)
      wanted.push_back(name);
  }
  if (std::find(wanted.begin(), wanted.end(), member) != wanted.end()) wanted = {member};
  if (wanted.size() != 1) {
    const std::string why = !wanted.empty()  ? "several files fit"
                            : member.empty() ? "it is not clear which file of the archive is meant"
                                             : fmt::format("there is no '{}' in it", util::printable(member));
    fail(ErrorKind::usage, "{}: {}; name a file with {}. There are: {}", path_, why,
         kind_ == TextKind::titles ? "--titles-member" : "--member",
         util::printable(fmt::format("{}", fmt::join(names, ", ")), 1000));
  }
  reopen();
  archive_entry* entry = nullptr;
  do {
    entry = archive_->next_entry();
    if (entry == nullptr) fail_archive();
  } while (path_of(entry) != wanted[0]);
  ended_ = false;
}

LineSource::~LineSource() = default;

/// Reads up to a block of text behind the first `have` bytes of the buffer.
std::size_t LineSource::read(std::size_t have) {
  if (gzip_) {
    try {
      return gzip_->read({buffer_.data() + have, block});
    } catch (const Error&) {
      throw;
    } catch (const std::runtime_error& e) {
      fail_damaged(e.what());
    }
  }
  const la_ssize_t got = archive_read_data(archive_->handle, buffer_.data() + have, block);
  if (got < 0) fail_archive();
  return static_cast<std::size_t>(got);
}

bool LineSource::refill() {
  if (ended_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t have = buffer_.size();
  buffer_.resize(have + block);
  const std::size_t got = read(have);
  buffer_.resize(have + got);
  total_ += got;
  if (total_ > most_text) {
    fail(ErrorKind::data,
         "{}: more than 16 GiB of text; keep only the columns that are read (with cut, or jq for JSON)",
         path_);
  }
  ended_ = got == 0;
  if (ended_) check_nothing_left();
  return !ended_;
}

// The decoders of gz and bz2 stop at the first thing that is not theirs and call it the end.
void LineSource::check_nothing_left() const {
  std::uint64_t left = 0;
  if (gzip_) {
    left = gzip_->left_over();
  } else {
    archive* handle = archive_->handle;
    if (is_zip() || archive_filter_code(handle, 0) == ARCHIVE_FILTER_NONE) return;
    const auto used = static_cast<std::uint64_t>(archive_filter_bytes(handle, -1));
    if (!file_size_) {
      if (!archive_->more_behind(used)) return;
      fail(
          ErrorKind::data,
          "{}: after line {} the compressed data end, and more follows that is not compressed data; fetch it "
          "again",
          path_, line_);
    }
    left = *file_size_ - std::min(used, *file_size_);
  }
  if (left > 0) {
    fail(ErrorKind::data,
         "{}: after line {} the compressed data end, and {} bytes follow that are not compressed data; "
         "fetch it again",
         path_, line_, left);
  }
}

void LineSource::fail_archive() const {
  const int reason = archive_errno(archive_->handle);
  if (reason == ENOMEM) throw std::bad_alloc();
  if (reason == EACCES || reason == ENOENT || reason == EPERM || reason == EIO) {
    fail(ErrorKind::io, "cannot read {}: {}", path_, std::strerror(reason));
  }
  const char* why = archive_error_string(archive_->handle);  // null where libarchive has nothing to say
  fail_damaged(why == nullptr ? "its end is missing" : why);
}

void LineSource::fail_damaged(std::string_view why) const {
  const std::string place = line_ == 0 ? "" : fmt::format("after line {} ", line_);
  fail(ErrorKind::data, "{}: {}the compressed file is damaged or cut off ({}); fetch it again", path_, place,
       why);
}

/// Files of which no line can be read, by how they begin.
void LineSource::refuse_other_files(std::string_view first_line) const {
  if (first_line.starts_with("\xFF\xFE") || first_line.starts_with("\xFE\xFF")) {
    fail(ErrorKind::data, "{}: this is UTF-16; convert it to UTF-8 first: iconv -f utf-16 -t utf-8 FILE",
         path_);
  }
  // The beginning of an envelope (nn/serialization/envelope.h).
  if (first_line == "LRUREC" && std::string_view(buffer_).substr(begin_).starts_with("dataset")) {
    fail(ErrorKind::usage, "{} is a data set already; go on with lrurec train {}", path_, path_);
  }
}

std::optional<std::string_view> LineSource::next() {
  std::size_t searched = begin_, end = std::string::npos;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    if (buffer_.size() - begin_ > longest_line) break;
    const std::size_t pending = buffer_.size() - begin_;
    if (!refill()) break;
    searched = begin_ + pending;
  }
  if (end == std::string::npos && begin_ == buffer_.size()) return std::nullopt;

  ++line_;
  const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
  std::string_view line(buffer_.data() + begin_, stop - begin_);
  begin_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (line.size() > longest_line) {  // no BadLine, since what is left of it would be taken for the next line
    fail(ErrorKind::data, "{}:{}:{}: a line of more than 1 MiB; is this a text with one record a line?: '{}'",
         path_, line_, longest_line, util::printable(line));
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line_ == 1) refuse_other_files(line);
  if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (const auto at = line.find('\0'); at != std::string_view::npos) {
    fail_at(at + 1, "a NUL byte; is this a text file?", line);
  }
  if (const auto at = util::find_invalid_utf8(line); at != std::string_view::npos) {
    if (kind_ != TextKind::titles) fail_at(at + 1, "text that is not UTF-8; convert it with iconv", line);
    converted_ = util::from_latin1(line);
    return converted_;
  }
  return line;
}

void LineSource::fail_at(std::size_t column, std::string_view what, std::string_view line) const {
  throw BadLine(ErrorKind::data,
                fmt::format("{}:{}:{}: {}: '{}'", path_, line_, column, what, util::printable(line)));
}

}  // namespace lrurec::data
