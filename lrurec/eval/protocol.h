#pragma once
// What stands behind a metric, printed above every table: numbers of different protocols are not comparable.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lrurec/data/dataset.h"

namespace lrurec::eval {

/// Which items of a user's history are no candidates.
enum class Mask {
  none,    ///< every item is one
  window,  ///< the model's input, the last L items, as in the published implementation
  all,     ///< the whole history
};
std::string name(Mask mask);
/// "none", "window" or "all"; anything else is ErrorKind::usage.
Mask parse_mask(const std::string& text);

struct ProtocolCard {
  std::string source, fingerprint, filter, ties, order, rule;  ///< of the data; rule: how it was split
  std::string split;                                           ///< "test" or "val"
  Mask mask = Mask::window;
  std::int64_t max_length = 0;  ///< L
  std::int64_t items = 0, users = 0;
  std::int64_t sampled = 0;  ///< candidates beside the target; 0: all items

  ProtocolCard(const data::Dataset& data, data::Split split, Mask mask, std::int64_t max_length,
               std::int64_t sampled, std::int64_t users);

  /// Lines for people, with an end of line each.
  std::string text() const;
  nlohmann::json json() const;
  /// Why metrics under two cards cannot be compared, one phrase for each reason; empty if they can.
  static std::vector<std::string> differences(const ProtocolCard& a, const ProtocolCard& b);
  /// What to do about these differences, a phrase.
  static std::string remedy(const std::vector<std::string>& differences);

 private:
  std::string mask_text() const;
  std::string target_text() const;
};

}  // namespace lrurec::eval
