#include "lrurec/reproduce/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lrurec/data/dataset.h"
#include "lrurec/data/demo.h"
#include "lrurec/util/suggest.h"
#include "tensor/error.h"

namespace lrurec::reproduce {
std::vector<const Variant*> chosen_variants(const Artifact& artifact, const std::vector<std::string>& only) {
  std::vector<std::string> names;
  for (const auto& variant : artifact.variants) names.push_back(variant.name);
  for (const auto& name : only) {
    if (artifact.find(name) != nullptr) continue;
    if (names.empty()) {
      fail(ErrorKind::usage, "--only: {} has nothing to choose from, only data sets", artifact.name);
    }
    fail(ErrorKind::usage, "--only: {} has no '{}'{}", artifact.name, name, util::choices(name, names));
  }
  std::vector<const Variant*> found;
  for (const auto& variant : artifact.variants) {
    if (only.empty() || std::ranges::count(only, variant.name) > 0) found.push_back(&variant);
  }
  return found;
}

namespace {

/// "lrurec", "lrurec,blocks=1": the model, and in what its training differs from the preset.
std::string folder_of(const config::TrainConfig& config, const PaperData& data) {
  const auto preset = config::preset(data.name, config.model);
  std::string name = config.model;
  for (const auto& setting : config::settings_of(config)) {
    const std::string value = config::value_text(config, setting);
    if (value == config::value_text(preset, setting)) continue;
    std::string plain = value;
    std::erase(plain, '"');
    name += "," + setting.key + "=" + plain;
  }
  return name;
}

}  // namespace

bool DataFile::is_the_papers() const {
  return static_cast<double>(statistics.users) == paper->users &&
         static_cast<double>(statistics.items) == paper->items;
}

DataFile open_data(const PaperData& paper, const std::filesystem::path& path) {
  const auto data = data::Dataset::load(path);
  return {&paper, path, data.fingerprint(), data.protocol().source, data::statistics(data)};
}

std::vector<const sweep::Run*> Plan::runs_of(const Cell& cell) const {
  std::vector<const sweep::Run*> found;
  for (const auto& run : runs) {
    if (run.point == cell.point) found.push_back(&run);
  }
  return found;
}

Plan make_plan(const Artifact& artifact, std::vector<DataFile> data, const Request& request) {
  Plan plan{&artifact, std::move(data), request, {}, {}};
  const auto variants = chosen_variants(artifact, request.only);
  std::map<std::filesystem::path, std::size_t> points;
  for (std::size_t d = 0; d < plan.data.size(); ++d) {
    const DataFile& file = plan.data[d];
    for (const Variant* variant : variants) {
      auto config = training(*file.paper, *variant);
      const auto name = folder_of(config, *file.paper);
      // A data set in the place of the paper's may have fewer items than the paper ranks among.
      config.eval_negatives = std::min(config.eval_negatives, file.statistics.items / 2);
      const auto folder = request.output / "runs" / file.paper->name / name;
      const auto [place, fresh] = points.try_emplace(folder, points.size());
      plan.cells.push_back({d, variant, place->second});
      if (!fresh) continue;
      for (const auto seed : request.seeds) {
        const std::string which = fmt::format("seed={}", seed);
        sweep::Run run{place->second, fmt::format("{} {} {}", file.paper->name, name, which),
                       file.path,     file.fingerprint,
                       config,        folder / which};
        run.config.seed = seed;
        run.config.threads = request.threads;
        run.config.device = request.device;
        if (request.max_steps > 0) run.config.max_steps = request.max_steps;
        plan.runs.push_back(std::move(run));
      }
    }
  }
  return plan;
}

data::Dataset make_xlong(double share) {
  const PaperData& xlong = *paper().find_data("xlong");
  data::DemoShape shape;
  shape.users = std::llround(share * xlong.users);
  // No user takes an item twice, and there must be some left to take.
  shape.items = std::max(std::llround(share * xlong.items), std::llround(4 * xlong.length) + 1);
  shape.mean_length = xlong.length;
  shape.equal_lengths = true;
  return data::make_demo(shape);
}

}  // namespace lrurec::reproduce
