#pragma once
// Files on a disk that is full for a moment.

#include <chrono>
#include <thread>

#include "tensor/error.h"

namespace lrurec::util {

/// Calls f(), which writes a file. After ErrorKind::io it tries twice more, after one and after three
/// seconds, since a full disk may have space again by then. The old file is whole in the meantime.
template <class F>
void retrying(F&& f) {
  for (const int seconds : {1, 3}) {
    try {
      return f();
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::io) throw;
      std::this_thread::sleep_for(std::chrono::seconds(seconds));
    }
  }
  f();
}

}  // namespace lrurec::util
