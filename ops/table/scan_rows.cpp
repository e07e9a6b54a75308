#include "ops/linear_scan/linear_scan.h"
#include "ops/table/rows.h"

namespace lrurec::ops {

void add_scan_rows(Rows& rows) {
  using Offsets = std::vector<std::int64_t>;
  const auto add = [&](const std::string& variant, const Offsets& offsets, bool z, bool initial,
                       ScanAlgorithm algorithm) {
    const auto tokens = offsets.back();
    const auto sequences = static_cast<std::int64_t>(offsets.size()) - 1;
    std::vector<InputSpec> inputs{{{3}, z, Values::unit_disk}, {{tokens, 3}, z}};
    if (initial) inputs.push_back({{sequences, 3}, z});
    rows.push_back({"linear_scan",
                    fmt::format("{}, {}{}{}", name(algorithm), variant, z ? ", complex" : "",
                                initial ? ", initial state" : ""),
                    inputs, [offsets, algorithm](const Variables& x) {
                      const auto [states, final_state] = linear_scan(
                          x[0], x[1], Tensor::from(offsets), x.size() > 2 ? x[2] : Variable(), algorithm);
                      return Variables{states, final_state};
                    }});
  };
  for (const auto algorithm : {ScanAlgorithm::sequential, ScanAlgorithm::recursive, ScanAlgorithm::chunked}) {
    for (const bool z : {false, true}) {
      add("one token", {0, 1}, z, false, algorithm);
      add("lengths 5, 1, 0, 3", {0, 5, 6, 6, 9}, z, false, algorithm);
      add("lengths 5, 1, 0, 3", {0, 5, 6, 6, 9}, z, true, algorithm);
    }
    add("length 70", {0, 70}, true, true, algorithm);
  }
  add("no tokens", {0, 0}, true, true, ScanAlgorithm::automatic);

  // Only the final state is used: its gradient alone must drive the reversed scan.
  rows.push_back({"linear_scan",
                  "final state alone",
                  {{{3}, true, Values::unit_disk}, {{6, 3}, true}},
                  [](const Variables& x) {
                    return Variables{linear_scan(x[0], x[1], Tensor::from(Offsets{0, 4, 6})).final_state};
                  }});
}

}  // namespace lrurec::ops
