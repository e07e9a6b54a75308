// What a loss of power may cost: the order of the system calls that make a file durable. The functions below
// stand before the C library's for this test program; they write down their names and go on to the real ones.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "lrurec/train/run_folder.h"
#include "nn/serialization/atomic_file.h"
#include "tests/support/files.h"

namespace {

bool watching = false;
std::vector<std::string> calls;

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::string file_name(const char* path) { return std::filesystem::path(path).filename().string(); }

}  // namespace

extern "C" int fsync(int file) {
  static const auto next = real<int (*)(int)>("fsync");
  if (watching) {
    struct stat info {};
    ::fstat(file, &info);
    calls.emplace_back(S_ISDIR(info.st_mode) ? "sync folder" : "sync file");
  }
  return next(file);
}

extern "C" ssize_t write(int file, const void* bytes, size_t count) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
  if (watching) {
    struct stat info {};
    ::fstat(file, &info);
    if (S_ISREG(info.st_mode) && (calls.empty() || calls.back() != "write")) calls.emplace_back("write");
  }
  return next(file, bytes, count);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  if (watching) calls.push_back("rename to " + file_name(to));
  return next(from, to);
}

namespace lrurec {
namespace {

/// The calls that f makes.
template <class F>
std::vector<std::string> calls_of(F&& f) {
  calls.clear();
  watching = true;
  f();
  watching = false;
  return calls;
}

using Calls = std::vector<std::string>;

TEST(Durability, AFileIsOnTheDiskBeforeItsNameIs) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(calls_of([&] { nn::write_file_atomically(folder / "file", {nn::as_bytes("text")}); }),
            (Calls{"write", "sync file", "rename to file", "sync folder"}));
}

TEST(Durability, EachStepOfReplacingACheckpointIsOnTheDiskBeforeTheNext) {
  const test::TemporaryFolder folder;
  const train::RunFolder run = train::RunFolder::create(folder / "run");
  const Calls first{"write",       "sync file",           "rename to next.ckpt",
                    "sync folder", "rename to last.ckpt", "sync folder"};
  EXPECT_EQ(calls_of([&] { run.save_last({}); }), first);
  const Calls second{
      "write",       "sync file",           "rename to next.ckpt", "sync folder", "rename to previous.ckpt",
      "sync folder", "rename to last.ckpt", "sync folder"};
  EXPECT_EQ(calls_of([&] { run.save_last({}); }), second);
  EXPECT_EQ(calls_of([&] { run.save_best({}); }),
            (Calls{"write", "sync file", "rename to best.ckpt", "sync folder"}));
}

}  // namespace
}  // namespace lrurec
