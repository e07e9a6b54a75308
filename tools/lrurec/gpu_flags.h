#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "lrurec/train/gpu_ways.h"

namespace lrurec::command {

/// Flags for the ways of a training step on a GPU: --head, --head-chunk, --graphs, --update-pieces.
void add_gpu_flags(CLI::App& sub, const std::shared_ptr<train::GpuWays>& ways);

}  // namespace lrurec::command
