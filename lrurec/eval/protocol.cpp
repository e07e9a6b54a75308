#include "lrurec/eval/protocol.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lrurec/util/numbers.h"
#include "tensor/error.h"

namespace lrurec::eval {

using util::with_commas;

std::string name(Mask mask) {
  constexpr const char* names[] = {"none", "window", "all"};
  return names[static_cast<int>(mask)];
}

Mask parse_mask(const std::string& text) {
  for (const Mask mask : {Mask::none, Mask::window, Mask::all}) {
    if (name(mask) == text) return mask;
  }
  fail(ErrorKind::usage, "the mask must be none, window or all, not '{}'", text);
}

ProtocolCard::ProtocolCard(const data::Dataset& data, data::Split which, Mask masked, std::int64_t length,
                           std::int64_t negatives, std::int64_t evaluated)
    : source(data.protocol().source),
      fingerprint(data.fingerprint()),
      filter(data.protocol().filter),
      ties(data.protocol().ties),
      order(data.protocol().order),
      rule(data.protocol().split),
      split(data::name(which)),
      mask(masked),
      max_length(length),
      items(data.items()),
      users(evaluated),
      sampled(negatives) {}

std::string ProtocolCard::mask_text() const {
  if (mask == Mask::none) return "nothing of the history is left out";
  if (mask == Mask::all) return "without those of the whole history";
  return fmt::format("without those in the last {} of the history", max_length);
}

std::string ProtocolCard::target_text() const {
  if (rule != data::Protocol().split) {
    return split == "test" ? "each user's first item of the last period is the target"
                           : "each user's first item of the period before the last is the target";
  }
  return split == "test" ? "each user's last item is the target"
                         : "each user's second-last item is the target";
}

std::string ProtocolCard::text() const {
  const std::string candidates = sampled > 0
                                     ? fmt::format(
                                           "SAMPLED: {} random items and the target, {};\n"
                                           "            not comparable with metrics over all {} items",
                                           with_commas(sampled), mask_text(), with_commas(items))
                                     : fmt::format("all {} items, {}", with_commas(items), mask_text());
  return fmt::format(
      "data        {} ({}), filter {}, {}\n"
      "split       {}, {}\n"
      "candidates  {}\n"
      "ranks       equal scores count against the model; mean over {}\n",
      source, fingerprint.substr(0, 12), filter, order, rule, target_text(), candidates,
      util::counted(users, "user"));
}

nlohmann::json ProtocolCard::json() const {
  nlohmann::json card{{"source", source},
                      {"fingerprint", fingerprint},
                      {"filter", filter},
                      {"ties", ties},
                      {"order", order},
                      {"split", rule + ", " + split},
                      {"mask", name(mask)},
                      {"max_length", max_length},
                      {"items", items},
                      {"users", users},
                      {"rank_ties", "count against the model"}};
  if (sampled > 0) {
    card["candidates"] = fmt::format("{} sampled", sampled);
  } else {
    card["candidates"] = "all";
  }
  return card;
}

std::vector<std::string> ProtocolCard::differences(const ProtocolCard& a, const ProtocolCard& b) {
  std::vector<std::string> found;
  const auto look = [&](const char* what, const std::string& x, const std::string& y) {
    if (x != y) found.push_back(fmt::format("{} ({} / {})", what, x, y));
  };
  look("data", a.fingerprint.substr(0, 12), b.fingerprint.substr(0, 12));
  // These name how the data were made. With equal fingerprints the data are the same, however they were made.
  if (a.fingerprint != b.fingerprint) {
    look("filter", a.filter, b.filter);
    look("ties", a.ties, b.ties);
  }
  look("split", a.rule + ", " + a.split, b.rule + ", " + b.split);
  look("candidates", a.sampled > 0 ? std::to_string(a.sampled) : "all",
       b.sampled > 0 ? std::to_string(b.sampled) : "all");
  look("mask", a.mask_text(), b.mask_text());
  look("users", std::to_string(a.users), std::to_string(b.users));
  return found;
}

std::string ProtocolCard::remedy(const std::vector<std::string>& differences) {
  if (differences.size() == 1 && differences[0].starts_with("mask")) {
    return "--mask all gives them the same candidates";
  }
  if (differences.size() == 1 && differences[0].starts_with("candidates")) {
    return "--eval-negatives 0 ranks among all items for both";
  }
  return "--force compares the users that both have, although the numbers are not comparable";
}

}  // namespace lrurec::eval
