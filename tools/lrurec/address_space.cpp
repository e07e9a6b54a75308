// If a limit of the address space (ulimit -v) leaves no room for its buffers, OpenBLAS asks for them again
// and again, for ever. It does so while it is loaded, before main() begins. Functions in .preinit_array run
// before that.

#include "tools/lrurec/address_space.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "ops/primitives/gemm.h"

namespace lrurec::command {
namespace {

bool limited() {
  struct rlimit limit {};
  return ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

std::size_t blas_threads(char** environment) {
  for (const char* name : {"OPENBLAS_NUM_THREADS=", "OMP_NUM_THREADS="}) {
    for (char** entry = environment; *entry != nullptr; ++entry) {
      if (std::strncmp(*entry, name, std::strlen(name)) != 0) continue;
      if (const int threads = std::atoi(*entry + std::strlen(name)); threads > 0)
        return static_cast<std::size_t>(threads);
    }
  }
  return static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

/// OpenBLAS takes a buffer for each thread when it is loaded, and one more for each when they multiply.
std::size_t needed_bytes(char** environment) {
  constexpr std::size_t buffer = std::size_t{129} << 20;
  return (2 * blas_threads(environment) + 1) * buffer;
}

/// No library is ready yet, not even getenv(), so this uses only system calls and the simplest C functions.
void check_before_libraries(int, char**, char** environment) {
  if (!limited()) return;
  const std::size_t needed = needed_bytes(environment);
  void* space = ::mmap(nullptr, needed, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space != MAP_FAILED) {
    ::munmap(space, needed);
    return;
  }
  constexpr char message[] =
      "lrurec: error: out of memory: the limit of the address space (ulimit -v) leaves too little for "
      "OpenBLAS's buffers, "
      "256 MB a thread; raise it, or set OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1\n";
  (void)!::write(STDERR_FILENO, message, std::strlen(message));
  ::_exit(7);
}

using Function = void (*)(int, char**, char**);
[[gnu::used, gnu::section(".preinit_array")]] const Function before_libraries = check_before_libraries;

}  // namespace

void claim_blas_buffers() {
  if (!limited()) return;
  constexpr std::int64_t n = 64;
#pragma omp parallel
  {
    static thread_local float a[n * n], b[n * n], c[n * n];
    ops::kernels::gemm(Cpu{}, Read::plain, Read::plain, n, n, n, a, n, b, n, 0.F, c, n);
  }
}

}  // namespace lrurec::command
