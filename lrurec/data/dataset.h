#pragma once
// The prepared data set: every user's items in order, as compressed rows.

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lrurec/data/string_table.h"

namespace lrurec::data {

/// Which held-out item is predicted; with leave-last-out a user's second-last (validation) or last (test).
enum class Split { validation, test };
std::string_view name(Split split);

/// What one step of preparation left.
struct Step {
  std::string what;
  std::int64_t users = 0, items = 0, interactions = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(what, users, items, interactions);
  }
  friend bool operator==(const Step&, const Step&) = default;
};

/// How the data set came about; printed with every result.
struct Protocol {
  std::string source, format, filter, ties, order;
  std::string split = "leave-last-out";
  std::vector<Step> steps;
  /// tied_share (of interactions at the same time as another of their user); repeated_rows, with the user,
  /// item and time of another row; skipped_lines, which could not be read; other_rows, which did not
  /// meet the conditions; best_possible_recall10_test of
  /// generated data; validation_from and test_from, the times of a split by time.
  std::map<std::string, double> facts;

  friend bool operator==(const Protocol&, const Protocol&) = default;
};

/// What users without a target lack, for messages: "leave-last-out needs 3 interactions".
std::string need_of_targets(const Protocol& protocol);

using Items = std::span<const std::int32_t>;

/// Where each user's sequence is cut, for splits other than leave-last-out.
struct Cuts {
  std::vector<std::int32_t> train;             ///< [users], number of items for training
  std::vector<std::int32_t> validation, test;  ///< [users], position of the target (from 0); 0: there is none

  bool empty() const { return train.empty(); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(train, validation, test);
  }
  friend bool operator==(const Cuts&, const Cuts&) = default;
};

/// Users are 0..users()-1, items 1..items(); item 0 is the start token. Leave-last-out: the last item of a
/// user is the test target, the one before the validation target, the rest is for training; a user of fewer
/// than 3 items is for training only. Otherwise as the cuts say: what precedes a target is its history.
class Dataset {
 public:
  Dataset() = default;
  /// offsets: [users + 1]; ids: items of user u at offsets[u] .. offsets[u+1]-1; without cuts,
  /// leave-last-out. Inconsistent arrays are ErrorKind::file naming `what`.
  Dataset(std::vector<std::int64_t> offsets, std::vector<std::int32_t> ids, StringTable users,
          StringTable items, Protocol protocol, Cuts cuts = {}, const std::string& what = "the data set");

  std::int64_t users() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  std::int64_t items() const { return static_cast<std::int64_t>(item_names_.size()); }
  std::int64_t interactions() const { return static_cast<std::int64_t>(ids_.size()); }
  const Protocol& protocol() const { return protocol_; }
  /// Raw ids, as the user's files have them.
  std::string_view user_name(std::int64_t user) const { return user_names_[static_cast<std::size_t>(user)]; }
  std::string_view item_name(std::int64_t item) const {
    return item_names_[static_cast<std::size_t>(item - 1)];
  }

  /// What people call it, empty where it has no title; titles change nothing that is computed, nor the
  /// fingerprint.
  std::string_view item_title(std::int64_t item) const {
    return has_titles() ? item_titles_[static_cast<std::size_t>(item - 1)] : std::string_view();
  }
  bool has_titles() const { return item_titles_.size() > 0; }
  /// titles: one of every item, or none at all; another number is ErrorKind::file naming `what`.
  void set_titles(StringTable titles, const std::string& what = "the data set");

  /// All items of a user, oldest first.
  Items sequence(std::int64_t user) const;
  Items train(std::int64_t user) const;
  /// Whether the user has a target.
  bool evaluated(std::int64_t user, Split split) const { return target_place(user, split) > 0; }
  /// The items before the target. Like target() for evaluated users only; others are ErrorKind::internal.
  Items history(std::int64_t user, Split split) const;
  std::int32_t target(std::int64_t user, Split split) const;
  std::vector<std::int64_t> evaluated_users(Split split) const;
  const Cuts& cuts() const { return cuts_; }

  /// XXH3-128 over sequences, raw ids and cuts (not over the protocol): equal data, equal fingerprint.
  std::string fingerprint() const;

  void save(const std::filesystem::path& path) const;
  /// Damage, or a file of another kind, is ErrorKind::file; a missing file is ErrorKind::io.
  static Dataset load(const std::filesystem::path& path);

  friend bool operator==(const Dataset&, const Dataset&) = default;

 private:
  /// 0 where the user has no target.
  std::size_t target_place(std::int64_t user, Split split) const;

  std::vector<std::int64_t> offsets_{0};
  std::vector<std::int32_t> ids_;
  StringTable user_names_, item_names_, item_titles_;
  Protocol protocol_;
  Cuts cuts_;
};

}  // namespace lrurec::data
