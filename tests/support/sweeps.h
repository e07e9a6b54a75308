#pragma once
// Small sweeps for tests of the command.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/runs.h"

namespace lrurec::test {

/// The beginning of a sweep's file, and settings of small quick runs.
inline const std::string sweep_head = "data = 'd.lrd'\nseeds = [1, 2]\njobs = 2\n";
inline const std::string sweep_settings =
    "[settings]\nhidden = 8\nchannels = 12\nmax_length = 6\nbatch_size = 16\nlearning_rate = 0.01\n";

/// d.lrd for them.
inline void make_sweep_data(const TemporaryFolder& folder) {
  const auto made =
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8");
  ASSERT_EQ(made.code, 0) << made.err;
}

/// The summary of a sweep whose folder is `out`.
inline nlohmann::json sweep_results(const TemporaryFolder& folder) {
  return nlohmann::json::parse(read_text(folder / "out/sweep.json"));
}

}  // namespace lrurec::test
