// Damaged, hostile and half-written files.

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/tensor_record.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;

struct Everything {
  std::int32_t number = 7;
  bool flag = true;
  std::string text = "text";
  std::vector<double> values{1, 2, 3};
  std::vector<std::string> words{"a", "bc"};
  std::map<std::string, TensorRecord> tensors{{"t", to_record(Tensor::full({2, 2}, 3, DType::f32))}};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, flag, text, values, words, tensors);
  }
};

constexpr auto kind = "test";

std::filesystem::path written(const TemporaryFolder& folder) {
  const auto path = folder / "file";
  write_envelope(path, kind, 2, to_bytes(Everything{}));
  return path;
}

Everything load(const std::filesystem::path& path) {
  return from_bytes<Everything>(read_envelope(path, kind, 2), path.string());
}

TEST(Envelope, RoundTrip) {
  const TemporaryFolder folder;
  const Everything back = load(written(folder));
  EXPECT_EQ(back.number, 7);
  EXPECT_EQ(back.words, (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(from_record(back.tensors.at("t"), "t", DType::f32, {2, 2}).to_vector<float>(),
            (std::vector<float>{3, 3, 3, 3}));
}

TEST(Envelope, AFileCutAtAnyByteIsRefused) {
  const TemporaryFolder folder;
  const auto path = written(folder);
  const auto whole = read_bytes(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_bytes(path, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    expect_error(ErrorKind::file, path.string(), [&] { load(path); });
  }
}

TEST(Envelope, EveryFlippedBitIsNoticed) {
  const TemporaryFolder folder;
  const auto path = written(folder);
  const auto whole = read_bytes(path);
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_bytes(path, damaged);
    expect_error(ErrorKind::file, "", [&] { load(path); });
  }
}

TEST(Envelope, TrailingBytesWrongKindAndNewerVersionAreNamed) {
  const TemporaryFolder folder;
  const auto path = written(folder);
  auto longer = read_bytes(path);
  longer.push_back('x');
  write_bytes(folder / "longer", longer);
  expect_error(ErrorKind::file, "damaged", [&] { load(folder / "longer"); });
  expect_error(ErrorKind::file, "is a test file, a dataset file is needed",
               [&] { read_envelope(path, "dataset", 2); });
  expect_error(ErrorKind::file, "has format version 2, this lrurec reads up to 1",
               [&] { read_envelope(path, kind, 1); });
  write_bytes(folder / "other", std::vector<char>(200, 'x'));
  expect_error(ErrorKind::file, "is not a test file of lrurec", [&] { load(folder / "other"); });
  expect_error(ErrorKind::io, "No such file", [&] { load(folder / "missing"); });
  expect_error(ErrorKind::io, "not a file", [&] { load(folder.path()); });
}

// Under a valid checksum the content must still be read without trusting it.
TEST(Archive, HostileSizesUseNoMemory) {
  const auto bytes = to_bytes(Everything{});
  const auto limit_memory = [] {
    struct rlimit limit {};
    ::getrlimit(RLIMIT_AS, &limit);
    std::ifstream status("/proc/self/statm");
    std::size_t pages = 0;
    status >> pages;
    limit.rlim_cur = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + (std::size_t{64} << 20);
    ::setrlimit(RLIMIT_AS, &limit);
  };
  // In a child process, so that the limit does not stay.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    limit_memory();
    int wrong = 0;
    for (std::size_t at = 0; at + 8 <= bytes.size(); ++at) {
      for (const int shift : {34, 40, 48, 60, 63}) {
        auto hostile = bytes;
        const std::uint64_t size = std::uint64_t{1} << shift;
        std::memcpy(hostile.data() + at, &size, sizeof(size));
        try {
          from_bytes<Everything>(hostile, "hostile");
        } catch (const Error& e) {
          wrong += e.kind() == ErrorKind::file ? 0 : 1;
        } catch (...) {
          ++wrong;
        }
      }
    }
    ::_exit(wrong == 0 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Archive, RefusesBadBoolsAndLeftovers) {
  auto bytes = to_bytes(true);
  bytes[0] = std::byte{7};
  expect_error(ErrorKind::file, "settings is damaged", [&] { from_bytes<bool>(bytes, "settings"); });
  auto longer = to_bytes(std::vector<float>{1, 2});
  longer.push_back(std::byte{0});
  expect_error(ErrorKind::file, "damaged", [&] { from_bytes<std::vector<float>>(longer, "weights"); });
}

TEST(TensorRecord, MustFitWhatIsWanted) {
  TensorRecord record = to_record(Tensor::zeros({2, 3}, DType::f32));
  expect_error(ErrorKind::file, "tensor 'w' is f32 [2, 3], f32 [3, 2] is needed", [&] {
    from_record(record, "w", DType::f32, {3, 2});
  });
  expect_error(ErrorKind::file, "f64 [2, 3] is needed", [&] {
    from_record(record, "w", DType::f64, {2, 3});
  });
  record.bytes.pop_back();
  expect_error(ErrorKind::file, "23 bytes", [&] { from_record(record, "w", DType::f32, {2, 3}); });
}

TEST(AtomicFile, AFailedWriteLeavesTheOldFileAndNoTemporary) {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  write_file_atomically(path, {as_bytes("old")});
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const struct rlimit limit { 1000, 1000 };
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::vector<std::byte> large(100000);
    try {
      write_file_atomically(path, {Bytes(large)});
    } catch (const Error& e) {
      ::_exit(e.kind() == ErrorKind::io && std::strstr(e.what(), "File too large") != nullptr ? 0 : 2);
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(read_bytes(path), (std::vector<char>{'o', 'l', 'd'}));
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"file"});
}

TEST(AtomicFile, KeepsThePermissionsOfTheFileItReplaces) {
  const TemporaryFolder folder;
  write_bytes(folder / "secret", {'a'});
  ::chmod((folder / "secret").c_str(), 0600);
  write_file_atomically(folder / "secret", {as_bytes("b")});
  struct stat info {};
  ASSERT_EQ(::stat((folder / "secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST(AtomicFile, AppendsAllOrNothing) {
  const TemporaryFolder folder;
  append_to_file(folder / "log", "one\n");
  append_to_file(folder / "log", "two\n");
  EXPECT_EQ(test::read_text(folder / "log"), "one\ntwo\n");
  if (::fork() == 0) {
    const struct rlimit limit { 10, 10 };
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      append_to_file(folder / "log", "three\n");
    } catch (const Error& e) {
      ::_exit(e.kind() == ErrorKind::io ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  ::wait(&status);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(test::read_text(folder / "log"), "one\ntwo\n");
}

TEST(AtomicFile, APipeIsNotWaitedFor) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error(ErrorKind::io, "it is not a file", [&] { read_file(folder / "pipe"); });
  expect_error(ErrorKind::io, "cannot write", [&] { append_to_file(folder / "pipe", "x"); });
  expect_error(ErrorKind::io, "it is not a plain file",
               [&] { write_file_atomically(folder / "pipe", {as_bytes("x")}); });
}

TEST(AtomicFile, AFolderThatCannotBeWrittenIsNamed) {
  expect_error(ErrorKind::io, "/proc/nowhere",
               [] { write_file_atomically("/proc/nowhere", {as_bytes("x")}); });
}

TEST(AtomicFile, FollowsLinksAndRefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", {as_bytes("old")});
  std::filesystem::create_symlink("file", folder / "link");
  write_file_atomically(folder / "link", {as_bytes("new")});
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(test::read_text(folder / "file"), "new");
  std::filesystem::create_directory(folder / "folder");
  expect_error(ErrorKind::io, "not a plain file",
               [&] { write_file_atomically(folder / "folder", {as_bytes("x")}); });
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error(ErrorKind::io, "not a plain file",
               [&] { write_file_atomically(folder / "pipe", {as_bytes("x")}); });
}

TEST(AtomicFile, AKilledWriterLeavesOneWholeFile) {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  const std::vector<std::byte> payload(200000, std::byte{5});
  write_envelope(path, kind, 1, payload);
  for (int round = 0; round < 40; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      while (true) write_envelope(path, kind, 1, payload);
    }
    ::usleep(static_cast<useconds_t>(500 + 337 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(read_envelope(path, kind, 1).size(), payload.size()) << "round " << round;
  }
  remove_stale_temporaries(folder.path());
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"file"});
}

TEST(AtomicFile, ThreadsThatWriteToOnePathDoNotMeet) {
  const test::TemporaryFolder folder;
  const std::string text(1000, 'x');
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        try {
          write_file_atomically(folder / "one", {as_bytes(text)});
        } catch (const Error&) {
          ++failed;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(read_file(folder / "one").size(), text.size());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace lrurec::nn
