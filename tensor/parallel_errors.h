#pragma once
// Exceptions in parallel regions of OpenMP.

#include <atomic>
#include <exception>

namespace lrurec {

/// An exception that leaves a parallel region ends the process, and memory may run out in one. So the parts
/// of a region that allocate run in attempt(), and the first exception is thrown again after the region.
///
///   ParallelErrors errors;
///   #pragma omp parallel for
///   for (...) errors.attempt([&] { ... });
///   errors.rethrow();
class ParallelErrors {
 public:
  /// Runs f unless something has failed already, here or in another thread.
  template <class F>
  void attempt(F&& f) noexcept {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      f();
    } catch (...) {
      if (!claimed_.exchange(true)) first_ = std::current_exception();
      failed_.store(true, std::memory_order_relaxed);
    }
  }

  /// For after the region, whose barrier makes the other threads' writes visible.
  void rethrow() const {
    if (failed_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> failed_ = false, claimed_ = false;
  std::exception_ptr first_;
};

}  // namespace lrurec
