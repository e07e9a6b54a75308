#pragma once
// A sweep: what is trained, read from a TOML file.
//
//   data = "ml-100k.lrd"          # data set, from the folder of this file
//   seeds = [1, 2, 3]             # each configuration is trained with each; default [1], with a [grid]
//   jobs = 2                      # runs at once; default: cores / threads
//   threads = 1                   # of each run; default 1
//   memory = "8 GB"               # all runs together; default: 80% of what is free
//   sample = 20                   # so many combinations of the grid, drawn at random; default: all
//   metric = "NDCG@10"            # ranks configurations; best steps are by Recall@10; default Recall@10
//
//   [settings]                    # of every run, as in lrurec train --config
//   preset = "small"
//
//   [grid]                        # every combination of these; without it: the seeds of one configuration
//   dropout = [0.3, 0.5]
//   max_length = [50, 100]

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lrurec/config/config.h"

namespace lrurec::sweep {

/// One point of the grid.
struct Point {
  std::vector<std::pair<std::string, std::string>> choices;  ///< key and value, in the file's order
  config::TrainConfig config;                                ///< with the first seed

  /// "dropout=0.3,max_length=50", or "settings" without a grid: also its folder.
  std::string name() const;
};

constexpr std::int64_t most_sample = 1'000'000;

struct Plan {
  std::filesystem::path data;
  std::vector<std::int64_t> seeds{1};
  std::int64_t jobs = 0;     ///< 0: as many as there are cores for
  std::int64_t threads = 1;  ///< of each run
  double memory = 0;         ///< bytes; 0: most of what is free
  std::int64_t sample = 0;   ///< points that are drawn, see draw_sample; 0: all
  std::string metric = "Recall@10";
  std::vector<Point> points;
  bool names_hidden_alone = false;  ///< whether the file names `hidden`, and not `channels`
};

/// Reads a file. Unknown keys, values of another type or out of range, repeated values, a setting that is
/// under [settings] and [grid], and names of points that no folder can have are ErrorKind::usage with file
/// and line, as is a file without [grid] and seeds. A missing file is ErrorKind::io.
Plan read_plan(const std::filesystem::path& file);
/// The same from text; `place` stands in errors for the file name, and the path of `data` starts from
/// `folder`.
Plan parse_plan(const std::string& text, const std::string& place, const std::filesystem::path& folder);

/// Leaves `sample` of the points, in the grid's order. A hash of its name decides whether a point is drawn: a
/// larger sample has the points of a smaller one, and what the grid gets more hardly changes the others.
void draw_sample(Plan& plan);

/// No seeds, repeated ones and ones out of range are ErrorKind::usage naming `place`.
void check_seeds(const std::vector<std::int64_t>& seeds, const std::string& place);

/// "8 GB", "500 MB", "1.5 GiB" in bytes; anything else is ErrorKind::usage naming `place`.
double parse_memory(const std::string& text, const std::string& place);

}  // namespace lrurec::sweep
