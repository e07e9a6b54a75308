#pragma once
// What has to be trained for a table or figure of the paper.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lrurec/data/statistics.h"
#include "lrurec/reproduce/paper.h"
#include "lrurec/sweep/results.h"

namespace lrurec::reproduce {

/// A data set in the place of one of the paper's.
struct DataFile {
  const PaperData* paper = nullptr;
  std::filesystem::path path;
  std::string fingerprint, source;
  data::Statistics statistics;
  bool generated = false;  ///< by make_xlong: the real one cannot be had

  /// It has as many users and items as the paper's: then it is most likely the same.
  bool is_the_papers() const;
};

/// Reads a data set for its statistics.
DataFile open_data(const PaperData& paper, const std::filesystem::path& path);

struct Request {
  std::vector<std::string> only{};  ///< names of variants; empty: all
  std::vector<std::int64_t> seeds{1};
  std::int64_t max_steps = 0;  ///< instead of the preset's, 0: as that says
  std::int64_t threads = 1;    ///< of each run
  std::string device = "cpu";
  std::filesystem::path output{};
};

/// A variant on a data set. Cells that are the same training share their runs, also with other tables in the
/// same folder: LRURec of table 3 is that of tables 5 and 6 and the middle of figure 4.
struct Cell {
  std::size_t data = 0;  ///< into Plan::data
  const Variant* variant = nullptr;
  std::size_t point = 0;  ///< of its runs
};

struct Plan {
  const Artifact* artifact = nullptr;
  std::vector<DataFile> data;
  Request request;
  std::vector<Cell> cells;
  std::vector<sweep::Run> runs;

  std::vector<const sweep::Run*> runs_of(const Cell& cell) const;
};

/// The variants of these names, or all if there are no names. A name that the artifact does not have is
/// ErrorKind::usage.
std::vector<const Variant*> chosen_variants(const Artifact& artifact, const std::vector<std::string>& only);

/// `data`: those of the artifact's data sets that are there. Errors as chosen_variants.
Plan make_plan(const Artifact& artifact, std::vector<DataFile> data, const Request& request);

/// Generated data of XLong's shape (docs/reproduce.md): `share` of its users, with sequences as long and as
/// many items for each user.
data::Dataset make_xlong(double share);

}  // namespace lrurec::reproduce
