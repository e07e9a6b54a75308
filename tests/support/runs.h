#pragma once
// A run made by the command in a moment.

#include "tests/support/files.h"

namespace lrurec::test {

inline const std::string tiny_training =
    " -q --hidden 8 --channels 12 --max-length 6 --batch-size 16 --validate-every 5 --max-steps 10 "
    "--learning-rate 0.01";

/// d.lrd and a run trained on it.
inline void make_run(const TemporaryFolder& folder, const std::string& name = "run",
                     const std::string& more = "") {
  if (!std::filesystem::exists(folder / "d.lrd")) {
    ASSERT_EQ(
        run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code,
        0);
  }
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o " + name + tiny_training + more).code, 0);
}

}  // namespace lrurec::test
