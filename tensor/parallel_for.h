#pragma once
// A parallel loop that a small operation can afford.

#include <cstdint>

namespace lrurec {

/// f(0), ..., f(n - 1): by all threads where `parallel`, else by this one. The latter starts no parallel
/// region, which costs more than a small operation even with one thread. f is compiled once, so that the bits
/// do not depend on who runs it.
template <class F>
void parallel_for(std::int64_t n, bool parallel, F&& f) {
  const auto one = [&f](std::int64_t i) __attribute__((noinline)) { f(i); };
  if (!parallel) {
    for (std::int64_t i = 0; i < n; ++i) one(i);
    return;
  }
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < n; ++i) one(i);
}

}  // namespace lrurec
