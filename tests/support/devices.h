#pragma once
// Tests on a GPU, real or emulated.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tensor/device.h"
#include "tensor/error.h"
#ifdef LRUREC_CUDA_EMULATED
#include "tensor/cuda/emulator/emulator.h"
#endif

namespace lrurec::test {

inline constexpr Device gpu{DeviceType::cuda, 0};

/// Why tests on a GPU cannot run here; empty when they can.
inline const std::string& no_gpu() {
  static const std::string reason = [] {
    try {
      require_device(gpu);
      return std::string();
    } catch (const Error& e) {
      return std::string(e.what());
    }
  }();
  return reason;
}

/// Whether a test that finds no GPU fails: tools/gpu_check.sh must not count it as passed.
inline bool gpu_is_required() { return std::getenv("LRUREC_REQUIRE_GPU") != nullptr; }

/// Runs f; with an emulated GPU again with threads in other orders, where a missing barrier would show.
template <class F>
void in_every_thread_order(F&& f) {
  f();
#ifdef LRUREC_CUDA_EMULATED
  using cuda::emulator::Order;
  for (const auto order : {Order::reverse, Order::shuffled}) {
    cuda::emulator::set_order(order);
    f();
  }
  cuda::emulator::set_order(Order::forward);
#else
  f();  // and on a real one simply once more
#endif
}

}  // namespace lrurec::test

/// First line of a test on a GPU: it is counted as skipped where there is none and none is required.
#define LRUREC_NEEDS_GPU()                                            \
  if (const std::string& why = lrurec::test::no_gpu(); why.empty()) { \
  } else if (lrurec::test::gpu_is_required()) {                       \
    GTEST_FAIL() << why;                                              \
  } else                                                              \
    GTEST_SKIP() << why
