// The entry of libFuzzer: LRUREC_FUZZ_TARGET names the target; with LRUREC_FUZZ_SESSION_SEED a seed goes to
// stdout. Built by tools/fuzz.sh, not by the normal build.

#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/targets.h"

namespace {

const lrurec::fuzz::Target& chosen() {
  static const lrurec::fuzz::Target* target = [] {
    if (std::getenv("LRUREC_FUZZ_SESSION_SEED") != nullptr) {
      const auto seed = lrurec::fuzz::session_seed();
      std::fwrite(seed.data(), 1, seed.size(), stdout);
      std::fflush(stdout);
      std::_Exit(0);
    }
    const char* name = std::getenv("LRUREC_FUZZ_TARGET");
    const auto* found = lrurec::fuzz::find(name == nullptr ? "" : name);
    if (found == nullptr) {
      std::fputs("LRUREC_FUZZ_TARGET must be one of:", stderr);
      for (const auto& one : lrurec::fuzz::targets()) std::fprintf(stderr, " %s", one.name);
      std::fputc('\n', stderr);
      std::_Exit(2);
    }
    return found;
  }();
  return *target;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen().run({data, size});
  return 0;
}
